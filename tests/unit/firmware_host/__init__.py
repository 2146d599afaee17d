"""The firmware's portable C on modelled hardware, for the host tests."""
