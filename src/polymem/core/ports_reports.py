"""What a store reports of itself: counts, texts that wait for a vector, what verification found, and whose a job is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Counts of what a scope can see now. `without_vector` counts active memories that the named
    model has not embedded; `bytes_on_disk` is the whole database's size where the store knows it."""

    memories: int
    forgotten: int
    expired: int
    superseded: int
    unassigned: int
    by_kind: Mapping[str, int]
    by_delivery: Mapping[str, int]
    by_project: Mapping[str, int]
    without_vector: int
    bytes_on_disk: int | None = None


@dataclass(frozen=True, slots=True)
class PendingText:
    """A memory whose text the named model has not embedded yet."""

    organization_id: str
    memory_id: str
    version: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What `verify` found (and, when asked, repaired): rows against derived data, tags and versions."""

    memories: int
    problems: tuple[str, ...] = ()
    repaired: int = 0
    without_vector: int = 0
    detail: Mapping[str, int] = field(default_factory=dict)


class Claim(Protocol):
    """A job that this process does and no other that shares the store."""

    async def held(self) -> bool:
        """Whether it is still ours."""
        ...

    async def release(self) -> None:
        """Leave the job to whoever asks next."""
        ...
