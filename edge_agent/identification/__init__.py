"""Identification: what a change of weight means in items, with what certainty, and whether a person must decide."""

from edge_agent.identification.identification import Identification
from edge_agent.identification.stock import apply_event

__all__ = ["Identification", "apply_event"]
