"""Keyword and vector search over one organization's memories, held in memory (numpy) as a cache over durable rows.

The store feeds it `IndexedRow`s, in the order of the organization's change sequence, and asks it for
candidates; no SQL lives here. `IndexCache` keeps the indexes of the organizations in use within a budget.
"""

from polymem.storage.search.analysis import ANALYSIS_VERSION, Terms, analyse, is_current
from polymem.storage.search.cache import IndexCache
from polymem.storage.search.index import OrganizationIndex
from polymem.storage.search.masks import split_filter
from polymem.storage.search.rows import IndexedRow
from polymem.storage.search.snapshot import Statistics
from polymem.storage.search.state_cache import StateCache, row_cache, token_cache

__all__ = [
    "ANALYSIS_VERSION",
    "IndexCache",
    "IndexedRow",
    "OrganizationIndex",
    "StateCache",
    "Statistics",
    "Terms",
    "analyse",
    "is_current",
    "row_cache",
    "split_filter",
    "token_cache",
]
