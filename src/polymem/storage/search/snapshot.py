"""What a search works on: the index as one `apply` left it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from polymem.storage.search.columns import Bools, Columns, Names
from polymem.storage.search.postings import PostingsView
from polymem.storage.search.vectors import VectorsView

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(instant: datetime) -> int:
    """Microseconds since the epoch, exact."""
    return (instant - EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What BM25 needs to know of an organization of which an index holds a part only: its documents that are not
    forgotten, all their words, and how many of them contain each of a query's terms."""

    documents: int
    words: int
    frequencies: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The first `size` rows, of which those set in `alive` are current: `live` rows with `total_length` words.

    The arrays are shared with the writer, who only writes behind `size`, except for the links between
    neighbours. `conversations` and `expiring` say whether any row has a neighbour or an expiry. `statistics` are those
    of the whole that these rows are a part of, None when they are all there are.
    """

    position: int
    size: int
    live: int
    total_length: int
    alive: Bools
    columns: Columns
    names: Names
    memory_ids: list[str]
    rows: dict[str, int]
    postings: PostingsView
    vectors: VectorsView
    conversations: bool
    expiring: bool
    statistics: Statistics | None = None
