"""Which clauses of a filter the index evaluates itself, and the row masks they give."""

from polymem.core.filters import Filter


def split_filter(filter_: Filter) -> tuple[Filter, Filter]:
    """The clauses the index evaluates from its own arrays, and the rest, for the store to turn into ids."""
    raise NotImplementedError
