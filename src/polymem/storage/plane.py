"""Vectors on a plane: principal components, so that the axes are those along which what is drawn differs most.

Pearson, "On lines and planes of closest fit to systems of points in space" (1901). It is linear, keeps the large
distances rather than the small ones, and gives the same picture for the same memories.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polymem.core.ports_overview import Spot

_TITLE_CHARACTERS = 60


def to_spots(rows: Sequence[tuple[Any, ...]], dimensions: int) -> list[Spot]:
    """Rows of id, kind, project, title, float16 vectors and their number, each with its place."""
    if not rows:
        return []
    vectors = np.empty((len(rows), dimensions), dtype=np.float32)
    for position, row in enumerate(rows):
        windows = np.frombuffer(row[4], dtype="<f2").reshape(int(row[5]), dimensions)
        vectors[position] = windows.astype(np.float32).mean(axis=0)
    places = projected(vectors)
    return [
        Spot(str(id_), str(kind), project, " ".join(str(title).split())[:_TITLE_CHARACTERS], float(x), float(y))
        for (id_, kind, project, title, *_), (x, y) in zip(rows, places, strict=True)
    ]


def projected(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows of any number of dimensions as rows of two, each axis from -1 to 1."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, -2:][:, ::-1]
    # An axis has no direction of its own: its largest part is made positive, so that pictures stay as they are.
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.where(axes[largest, np.arange(axes.shape[1])] < 0, -1.0, 1.0)
    places: NDArray[np.float64] = centred @ axes
    spread = np.abs(places).max(axis=0)
    return places / np.where(spread > 0, spread, 1.0)
