"""The best few of many scores."""

from typing import Any

import numpy as np
import numpy.typing as npt

from polymem.storage.search.columns import Floats, Rows


def top(scores: Floats, count: int, arrivals: npt.NDArray[Any]) -> Rows:
    """Where the `count` largest scores stand, best first; of equal ones the latest arrival.

    Not the place in the array but the arrival decides ties, so that the same memories give the same answer
    in whatever order the index took them in.
    """
    if len(scores) > count:
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        above = np.flatnonzero(scores > least)
        equal = np.flatnonzero(scores == least)
        missing = count - len(above)
        if len(equal) > missing:
            equal = equal[np.argsort(arrivals[equal])[len(equal) - missing :]]
        best = np.concatenate((above, equal))
    else:
        best = np.arange(len(scores))
    return best[np.lexsort((arrivals[best], scores[best]))[::-1]]
