"""Which clauses of a filter the index evaluates itself, and the row masks they give."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from polymem.core.filters import (
    AnyOf,
    Between,
    Clause,
    ContainerIs,
    ContainsText,
    DeliveryIn,
    Expired,
    Filter,
    Forgotten,
    IdIn,
    ImportanceBetween,
    InProjects,
    Instant,
    KindIn,
    MetadataContains,
    MetadataIs,
    Not,
    Superseded,
    TagsAll,
    TagsAny,
)
from polymem.core.people import Scope
from polymem.storage.search.columns import NO_CODE, NO_INSTANT, Bools, Codes, Rows
from polymem.storage.search.snapshot import Snapshot, to_microseconds

_FEW = 4
"""Up to one row in so many is worked on by number rather than by mask."""

_INSTANTS = frozenset({Instant.CREATED, Instant.UPDATED, Instant.OCCURRED, Instant.EXPIRES})


def split_filter(filter_: Filter) -> tuple[Filter, Filter]:
    """The clauses the index evaluates from its own arrays, and the rest, for the store to turn into ids."""
    own = tuple(clause for clause in filter_ if _is_own(clause))
    return own, tuple(clause for clause in filter_ if not _is_own(clause))


def _is_own(clause: Clause) -> bool:
    match clause:
        case InProjects() | KindIn() | ContainerIs() | ImportanceBetween() | IdIn():
            return True
        case Forgotten() | Expired() | Superseded():
            return True
        case Between(instant):
            return instant in _INSTANTS
        case AnyOf(alternatives):
            return all(_is_own(inner) for alternative in alternatives for inner in alternative)
        case Not(inner):
            return _is_own(inner)
        case TagsAll() | TagsAny() | ContainsText() | MetadataIs() | MetadataContains() | DeliveryIn():
            return False
        case _:
            assert_never(clause)


@dataclass(frozen=True, slots=True)
class Admitted:
    """What scope and filter admit: `count` rows, those of `mask`; their numbers in `rows` when they are few.

    `within` are all rows of the projects that scope and filter name. Those outside can have no influence on
    the answer: not even as neighbours, who are always of the same project.
    """

    within: Bools
    mask: Bools
    count: int
    rows: Rows | None

    def numbers(self) -> Rows:
        """The numbers of the admitted rows, ascending."""
        return np.flatnonzero(self.mask) if self.rows is None else self.rows


def admit(snapshot: Snapshot, scope: Scope, own: Filter, allowed_ids: Collection[str] | None) -> Admitted:
    """Evaluate a scope and the clauses that `split_filter` gave the index."""
    within = snapshot.alive[: snapshot.size]
    if scope.projects is not None:
        within = within & _mask(InProjects(scope.projects), snapshot)
    for clause in own:
        if isinstance(clause, InProjects):
            within = within & _mask(clause, snapshot)
    mask = within
    for clause in own:
        if not isinstance(clause, InProjects) and not _is_idle(clause, snapshot):
            mask = mask & _mask(clause, snapshot)
    if allowed_ids is not None:
        mask = mask & _mask_of_ids(allowed_ids, snapshot)
    count = int(np.count_nonzero(mask))
    return Admitted(within, mask, count, np.flatnonzero(mask) if count * _FEW < len(mask) else None)


def _is_idle(clause: Clause, snapshot: Snapshot) -> bool:
    """Whether the clause holds for every row without looking: the usual filter costs nothing then."""
    return clause == Forgotten(False) or (isinstance(clause, Expired) and not clause.expired and not snapshot.expiring)


def _mask(clause: Clause, snapshot: Snapshot) -> Bools:
    size, columns, names = snapshot.size, snapshot.columns, snapshot.names
    mask: Bools
    match clause:
        case InProjects(project_ids, unassigned):
            return _has_code(columns.project[:size], names.projects, project_ids, none=unassigned)
        case KindIn(kinds):
            return _has_code(columns.kind[:size], names.kinds, kinds)
        case ContainerIs(container):
            wanted = () if container is None else (container,)
            return _has_code(columns.container[:size], names.containers, wanted, none=container is None)
        case ImportanceBetween(least, most):
            return _between(columns.importance[:size], least, most)
        case Between(instant, since, until):
            instants: npt.NDArray[np.int64] = getattr(columns, instant.value)[:size]
            lower = None if since is None else to_microseconds(since)
            upper = None if until is None else to_microseconds(until)
            mask = _between(instants, lower, upper)
            # With a lower bound the stand-in for a missing instant, the least number, is out already.
            return mask if lower is not None else mask & (instants != NO_INSTANT)
        case IdIn(ids):
            return _mask_of_ids(ids, snapshot)
        case Forgotten(forgotten):
            return np.full(size, not forgotten)
        case Expired(expired, at):
            expiries = columns.expires_at[:size]
            mask = (expiries <= to_microseconds(at)) & (expiries != NO_INSTANT)
            return mask if expired else ~mask
        case Superseded(superseded):
            mask = columns.superseded[:size]
            return mask if superseded else ~mask
        case AnyOf(alternatives):
            mask = np.zeros(size, np.bool_)
            for alternative in alternatives:
                all_of = np.ones(size, np.bool_)
                for inner in alternative:
                    all_of &= _mask(inner, snapshot)
                mask |= all_of
            return mask
        case Not(inner):
            return ~_mask(inner, snapshot)
        case TagsAll() | TagsAny() | ContainsText() | MetadataIs() | MetadataContains() | DeliveryIn():
            raise ValueError(f"The index cannot evaluate {clause}.")
        case _:
            assert_never(clause)


def _has_code(codes: npt.NDArray[np.int32], book: Codes, names: Iterable[str], none: bool = False) -> Bools:
    wanted = book.find(names)
    if none:
        wanted.append(NO_CODE)
    mask: Bools
    if len(wanted) == 1:
        mask = codes == wanted[0]
    else:
        table = np.zeros(len(book) + 1, np.bool_)
        table[wanted] = True  # NO_CODE is the last place
        mask = table[codes]
    return mask


def _between(values: npt.NDArray[Any], least: int | None, most: int | None) -> Bools:
    within: Bools = np.ones(len(values), np.bool_) if least is None else values >= least
    if most is not None:
        within = within & (values <= most)
    return within


def _mask_of_ids(ids: Collection[str], snapshot: Snapshot) -> Bools:
    rows = [row for id_ in ids if (row := snapshot.rows.get(id_)) is not None and row < snapshot.size]
    mask = np.zeros(snapshot.size, np.bool_)
    mask[rows] = True
    return mask
