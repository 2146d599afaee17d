"""The camera's own process: what looks, what keeps clips, and what starts, hears and ends it from the agent's side.

::

    agent                                   one process a camera
    supervisor ── Setup, ClipWanted ─────→  child: driver → mask → eye
               ←─ what it sees, heartbeats ─  └→ ring of masked pictures → clips on disk
"""
