"""Learning: what selling itself tells about unit weights and confidences. It widens, warns and proposes; no more."""

from edge_agent.learning.learning import Learning, Lesson

__all__ = ["Learning", "Lesson"]
