"""The last seconds of one board's columns, always readable as one contiguous piece."""

import numpy as np

from edge_agent.model import BoolArray, FloatArray, InstantArray


class History:
    """Rows of grams in a buffer of twice the wanted length: when it is full the newer half moves to the front.

    Parameters
    ----------
    rows : int
        How many rows are kept at least.
    columns : int
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.rows = rows
        self._t_ns: InstantArray = np.zeros(2 * rows, dtype=np.int64)
        self._grams: FloatArray = np.zeros((2 * rows, columns))
        self._bad: BoolArray = np.zeros((2 * rows, columns), dtype=np.bool_)
        self._end = 0

    def extend(self, t_ns: InstantArray) -> FloatArray:
        """Append rows, all good; return their grams, (n, columns), to be written in place.

        Raises
        ------
        ValueError
            More than `rows` rows at once.
        """
        count = t_ns.size
        if count > self.rows:
            raise ValueError(f"{count} rows at once into a history of {self.rows}: cut the block first")
        if self._end + count > 2 * self.rows:
            kept = min(self._end, self.rows)
            for buffer in (self._t_ns, self._grams, self._bad):
                buffer[:kept] = buffer[self._end - kept : self._end].copy()
            self._end = kept
        place = slice(self._end, self._end + count)
        self._end += count
        self._t_ns[place] = t_ns
        self._bad[place] = False
        return self._grams[place]

    def mark_bad(self, bad: BoolArray) -> None:
        """Say which columns of the rows appended last cannot be used, (n, columns)."""
        self._bad[self._end - bad.shape[0] : self._end] = bad

    def clear(self) -> None:
        """Forget all rows: what follows has nothing to do with them."""
        self._end = 0

    def since(self, t_ns: int) -> tuple[InstantArray, FloatArray, BoolArray]:
        """Return instants (n,), grams and bad marks (n, columns) of the rows at or after ``t_ns``; views."""
        start = int(np.searchsorted(self._t_ns[: self._end], t_ns))
        return self._t_ns[start : self._end], self._grams[start : self._end], self._bad[start : self._end]

    def last(self, rows: int) -> tuple[InstantArray, FloatArray, BoolArray]:
        """Return the newest rows, ``rows`` of them at most, as `since` does."""
        start = max(0, self._end - rows)
        return self._t_ns[start : self._end], self._grams[start : self._end], self._bad[start : self._end]

    @property
    def last_t_ns(self) -> int | None:
        """Return the instant of the newest row."""
        return int(self._t_ns[self._end - 1]) if self._end else None
