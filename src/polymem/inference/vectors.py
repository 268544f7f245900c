"""Vectors as the core wants them: rows of length 1, little-endian float32."""

import numpy as np
import numpy.typing as npt


def unit_rows(rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Each row at length 1. Raises ValueError when one has no direction: all zeros, infinite or not a number."""
    if not np.isfinite(rows).all():
        raise ValueError("a vector has numbers that are not finite")
    # Scaled by the largest number first, so that squares neither overflow nor vanish.
    largest = np.abs(rows).max(axis=1, keepdims=True)
    if not largest.all():
        raise ValueError("a vector has no direction")
    scaled = rows / largest
    unit: npt.NDArray[np.float32] = (scaled / np.linalg.norm(scaled, axis=1, keepdims=True)).astype("<f4")
    return unit
