"""A shop in physics, and the judge of what the agent said about it.

Shelves, goods, hands and load cells are modelled here from data sheets and first principles. Nothing is shared with the
estimation or the identification, neither code nor parameter: what the engine assumes must be able to be wrong here.

::

    shopper (planned acts) → world (goods, forces, truth) → board_source (plate → ADC filter → cell → noise → counts)
    truth + item events → scoreboard

World time ``t_s`` is seconds since the world's start; masses and forces are in grams (force over g).
"""
