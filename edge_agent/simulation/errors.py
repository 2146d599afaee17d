"""Errors of the simulation."""

from edge_agent.errors import EdgeAgentError


class ImpossibleActError(EdgeAgentError, ValueError):
    """An act that the world's goods do not allow: an empty lane, goods nobody holds, an act before the last one."""


class NoPictureError(EdgeAgentError, ValueError):
    """A file or folder that should show products holds no picture."""
