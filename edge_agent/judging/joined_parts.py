"""Bills of a whole shelf out of what each of its parts, a lane or a group of plates, may have lost or got."""

from collections.abc import Iterable

import numpy as np

from edge_agent.judging.bills import MAX_ITEMS
from edge_agent.judging.habits import FloatArray, IntArray
from edge_agent.judging.oracle import Enumeration, Words, camera_nats, normalised


def joined(
    known: Enumeration, parts: Iterable[tuple[IntArray, FloatArray]], ways: FloatArray, words: Words, *, per_item: bool
) -> FloatArray:
    """Return the probability of every bill, (bills,); all 0 where no bill of up to four items explains all parts.

    Parameters
    ----------
    parts : iterable of (rows, nats)
        Per part the bills that may have happened there, and log p(its changes | bill) less ``ways`` of that bill.
    ways : (bills,)
        log of the orders of a bill's items among their like, Σ log c! over its SKUs: c items of a SKU that fall on
        parts as c₁ + c₂ + … do so in c! / (c₁! c₂! …) ways.
    """
    bills = known.bills
    keys, number, nats = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), np.zeros(1)
    for rows, scores in parts:
        keys = (keys[:, None] + bills.keys[rows]).ravel()
        number = (number[:, None] + bills.number[rows]).ravel()
        nats = (nats[:, None] + scores).ravel()
        few = number <= MAX_ITEMS
        keys, number, nats = keys[few], number[few], nats[few]
    result = np.zeros(len(bills))
    if not len(keys):
        return result
    rows = bills.rows_of(keys)
    log_joint = nats + known.log_prior[rows] + ways[rows]
    log_joint += camera_nats(bills, rows, words, per_item=per_item)
    np.add.at(result, rows, normalised(log_joint))
    return result
