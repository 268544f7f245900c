"""Picking the best few of many scores."""

from typing import Any

import numpy as np
import numpy.typing as npt

from polymem.storage.search.columns import Floats, Rows

_STRIDE = 16
"""Every so many-th score is looked at first, to learn about where the best begin."""

_SAMPLED_FROM = 8192
"""Fewer scores are not worth a sample."""


def top(scores: Floats, rows: Rows | None, count: int, arrivals: npt.NDArray[Any], above: float) -> Rows:
    """The `count` rows with the largest scores greater than `above`, best first; of equal ones the latest arrival.

    `scores` belong to `rows`, or to the first rows there are; `arrivals` to all rows.
    Not the place in the array but the arrival decides ties, so that the same memories give the same answer
    in whatever order the index took them in.
    """
    places = _promising(scores, count, above)
    picked = scores[places]
    if len(places) > count:
        least = np.partition(picked, len(places) - count)[len(places) - count]
        surely = places[picked > least]
        equal = places[picked == least]
        missing = count - len(surely)
        if len(equal) > missing:
            arrived = arrivals[equal if rows is None else rows[equal]]
            equal = equal[np.argsort(arrived)[len(equal) - missing :]]
        places = np.concatenate((surely, equal))
        picked = scores[places]
    picked_rows = places if rows is None else rows[places]
    return picked_rows[np.lexsort((arrivals[picked_rows], picked))[::-1]]


def _promising(scores: Floats, count: int, above: float) -> Rows:
    """Where the `count` largest scores are among others: looking through all is much dearer than comparing."""
    if len(scores) >= max(_SAMPLED_FROM, 4 * _STRIDE * count):
        sample = scores[::_STRIDE]
        place = len(sample) - 2 * count // _STRIDE - 8
        bound = np.partition(sample, place)[place]
        if bound > above:
            places = np.flatnonzero(scores >= bound)
            if len(places) >= count:
                return places
    return np.flatnonzero(scores > above)


def distinct(rows: Rows) -> Rows:
    """The different ones of a few row numbers, ascending."""
    if not len(rows):
        return rows
    rows = np.sort(rows)
    different: Rows = rows[np.append(True, rows[1:] != rows[:-1])]
    return different
