"""What the core needs from the world, as narrow protocols: a store, an embedder, a clock.

Vectors cross these ports as `bytes`: rows of little-endian float32, each L2-normalised, so that the
core needs no numeric library and nobody copies them on the way.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from polymem.core.agents.ports import AgentStore
from polymem.core.conflicts.ports import ConflictStore, Finding
from polymem.core.filters import Filter, Sort
from polymem.core.history.ports import TimeStore
from polymem.core.model import Change, Memory, Page, Version
from polymem.core.people import ApiKey, Organization, Project, Scope
from polymem.core.people.ports import PeopleStore
from polymem.core.people.ports_grants import GrantStore
from polymem.core.ports_backlog import BacklogStore
from polymem.core.ports_backlog import Batch as Batch
from polymem.core.ports_embedding import Embedder as Embedder
from polymem.core.ports_embedding import Embedding as Embedding
from polymem.core.ports_embedding import EmbeddingModel as EmbeddingModel
from polymem.core.ports_embedding import QueryEmbedding as QueryEmbedding
from polymem.core.ports_embedding import TokenSpace as TokenSpace
from polymem.core.ports_overview import OverviewStore
from polymem.core.ports_reports import Claim as Claim
from polymem.core.ports_reports import PendingText as PendingText
from polymem.core.ports_reports import Stats as Stats
from polymem.core.ports_reports import Verification as Verification
from polymem.core.work.ports import WorkStore


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The present instant, UTC, timezone-aware."""
        ...


# --- writing -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Derived:
    """What is computed from a memory outside the store and written in the transaction of its row.

    Model and embedding are None in keyword mode; `reindex` adds the vectors later. `findings` are the
    conflicts of a new memory. The keyword entry is made by the
    store itself from `text.indexed_text`. Later kinds of derived data join here.
    """

    model: EmbeddingModel | None = None
    embedding: Embedding | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Insert:
    """Append a new memory. With `unless_duplicate`, a visible, not superseded memory of the same project
    with the same content wins, nothing is written, and its id is the outcome. `drawn_up` is what
    `Store.draw_up` gave for this memory, None to have it done by `apply`."""

    memory: Memory
    derived: Derived
    unless_duplicate: bool = False
    drawn_up: object | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Replace the state of a memory that still has version `memory.version - 1`.

    `derived` is given when the text to be indexed changed, else None keeps what there is. `note` is
    kept with the version. `findings` take the place of the memory's open conflicts; None leaves these as they are.
    """

    memory: Memory
    change: Change
    derived: Derived | None = None
    note: str | None = None
    findings: tuple[Finding, ...] | None = None


@dataclass(frozen=True, slots=True)
class Purge:
    """Remove a memory with its versions and all that was derived from it."""

    memory_id: str


Write = Insert | Update | Purge


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's key for one request: the same key and `fingerprint` answer with the first outcome."""

    key: str
    fingerprint: str


# --- finding -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateQuery:
    """Asks a store for the memories worth ranking.

    `text` None leaves out the keyword leg, `vector` None (or another model's) the dense leg. With `tokens` (see
    `QueryEmbedding`) the second stage runs: the `depth` best of both legs together get their token matches, and only
    they come back. `filter`
    and the scope restrict both before anything is cut. `depth` is how many each leg yields. `include`
    is a memory that is scored even when neither leg yields it, if the filter admits it (for why-not).
    With `known_at`, all this is about the memories as they were known at that instant.
    """

    text: str | None
    vector: bytes | None
    model: EmbeddingModel | None
    filter: Filter
    tokens: bytes = b""
    words: tuple[str, ...] = ()
    depth: int = 100
    include: str | None = None
    known_at: datetime | None = None


@dataclass(slots=True)
class Candidate:
    """A memory that may be an answer, with the signals ranking works on (all measured, none weighted).

    cosine            own similarity to the query, best window, -1..1; None without a vector
    context_cosine    the same blended with the neighbours' in its conversation, up to 1.14; equal to
                      `cosine` for a memory without neighbours
    keyword           own BM25, divided by what a memory matching every query term would at most get: 0..1
    context_keyword   the same where each query term may be supplied by a near neighbour
    coverage          share of the query's terms (by idf) that the memory itself contains, 0..1
    dense_rank, keyword_rank   position by own `cosine` and own `keyword` among all that scope and filter
                      admit, counted from 1; None when it is not among that leg's best
    in_conversation   whether it has a neighbour: another memory of its project with the same container
    speaker_named     whether the query names whom the memory quotes
    first_rank        position among all candidates by `context_cosine + context_keyword`, counted from 1: the first
                      stage, whose best `depth` go on to the second; None where there is no second stage
    tokens            MaxSim of the query's tokens and the memory's own, each query token by its rarity, -1..1; None
                      without token vectors
    context_tokens    the same where each query token may be matched by a near neighbour, at a discount
    names             share of the names in the query that only programs write (paths, codes, versions) that the memory
                      contains as they are written, 0..1
    trust             `trust.trust` of the memory; None until a profile asks for it

    A search makes hundreds of them; positional construction takes a third of the time.
    """

    memory_id: str
    project_id: str | None
    kind: str
    importance: int
    weight: float
    created_at: datetime
    updated_at: datetime
    occurred_at: datetime | None
    cosine: float | None = None
    context_cosine: float | None = None
    keyword: float = 0.0
    context_keyword: float = 0.0
    coverage: float = 0.0
    dense_rank: int | None = None
    keyword_rank: int | None = None
    words: int = 0
    is_question: bool = False
    in_conversation: bool = False
    speaker_named: bool = False
    first_rank: int | None = None
    tokens: float | None = None
    context_tokens: float | None = None
    names: float = 0.0
    trust: float | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a store found. `considered` is how many memories the scope and filter admitted;
    `without_vector` how many of them the dense leg could not see (no vector of this model yet)."""

    items: list[Candidate]
    considered: int
    without_vector: int = 0


class Store(Protocol):
    """Keeps memories durably. Each method is one transaction; `scope` is a predicate of every statement."""

    @property
    def people(self) -> PeopleStore:
        """Accounts, members, invitations, notifications and the audit trail."""
        ...

    @property
    def conflicts(self) -> ConflictStore:
        """Conflicts between memories."""
        ...

    @property
    def agents(self) -> AgentStore:
        """Agents and their sessions."""
        ...

    @property
    def grants(self) -> GrantStore:
        """Applications, and what people granted them."""
        ...

    @property
    def backlog(self) -> BacklogStore:
        """Texts that have no vector yet."""
        ...

    @property
    def work(self) -> WorkStore:
        """Work sessions, tasks and code snippets."""
        ...

    @property
    def time(self) -> TimeStore:
        """Former states, and changes."""
        ...

    @property
    def overview(self) -> OverviewStore:
        """Counts of a memory as a whole."""
        ...

    # memories
    async def draw_up(self, memories: Sequence[Memory]) -> list[object]:
        """What `apply` needs of new memories and can be made before their vectors are there: for each, in order,
        its `Insert.drawn_up`. Works in short steps, so that threads that embed meanwhile get their turns."""
        ...

    async def apply(
        self,
        scope: Scope,
        writes: Sequence[Write],
        *,
        idempotency: Idempotency | None = None,
        at: datetime | None = None,
    ) -> list[str]:
        """Do all `writes` or none; returns the memory id each one concerned, in order.

        `at` is when this is recorded in the history; left out, each memory's `updated_at` stands for it,
        which an import may have set to a day long past. For a known idempotency key the first outcome's
        ids come back and nothing is written. Raises Conflict (an Update's version is stale, an id is
        taken, a key was used for another request), NotFound, and Forbidden (a scope of some projects
        writes outside them).
        """
        ...

    async def replay(self, scope: Scope, idempotency: Idempotency) -> list[str] | None:
        """The ids of the first outcome under this key, or None when the key is new.

        Raises Conflict when the key belongs to another request.
        """
        ...

    async def drop_requests(self, scope: Scope, before: datetime) -> int:
        """Forget the idempotency keys first used before that instant; returns how many."""
        ...

    async def get_many(self, scope: Scope, ids: Sequence[str]) -> dict[str, Memory]:
        """The memories of `ids` that the scope reaches, forgotten ones included, by id."""
        ...

    async def find(self, scope: Scope, filter: Filter, sort: Sort, limit: int, offset: int) -> Page[Memory]:
        """A page of what matches, with the true total. `limit` 0 only counts."""
        ...

    async def tags(self, scope: Scope, filter: Filter) -> dict[str, int]:
        """Every tag of what matches, and how many of them carry it."""
        ...

    def scan(self, scope: Scope, filter: Filter, batch: int = 500) -> AsyncIterator[list[Memory]]:
        """All that matches, oldest first (by id), in batches; memory use is bounded by one batch."""
        ...

    async def find_duplicate(self, scope: Scope, project_id: str | None, content: str, at: datetime) -> Memory | None:
        """The visible memory of this project (or of none) whose content is exactly this. One that was
        superseded does not count: to answer a text that is told again with it would lose that text."""
        ...

    async def history(self, scope: Scope, memory_id: str) -> list[Version]:
        """All versions, oldest first; empty when the scope reaches no such memory."""
        ...

    async def candidates(self, scope: Scope, query: CandidateQuery) -> Candidates:
        """The union of both legs' best, each with all signals, unordered."""
        ...

    async def touch(self, scope: Scope, ids: Sequence[str], at: datetime) -> None:
        """Count one access of each. Appends no version."""
        ...

    # projects, organizations, keys
    async def projects(self, scope: Scope) -> list[Project]:
        """Every project the scope reaches, oldest first."""
        ...

    async def project(
        self, scope: Scope, *, key: str | None = None, id: str | None = None, slug: str | None = None
    ) -> Project | None:
        """The one with this key, id or slug, if the scope reaches it."""
        ...

    async def put_project(self, scope: Scope, project: Project) -> Project:
        """Insert, or update the project of the same id. A key taken by another project: that one is
        returned unchanged, so two callers that make the same project at once agree. A new one whose slug
        is taken gets the next free number behind it; raises Conflict for a change to a taken slug."""
        ...

    async def put_organization(self, organization: Organization) -> Organization:
        """Insert it, or return the one that has this slug already."""
        ...

    async def organization(self, *, slug: str | None = None, id: str | None = None) -> Organization | None:
        """The one with this slug or id."""
        ...

    async def organizations(self) -> list[Organization]:
        """All of them, oldest first; for the operator only."""
        ...

    async def add_key(self, scope: Scope, key: ApiKey) -> None:
        """Keep a new key."""
        ...

    async def keys(self, scope: Scope) -> list[ApiKey]:
        """The keys of the scope's organization (and projects), oldest first, revoked ones included."""
        ...

    async def keys_by_prefix(self, prefix: str) -> list[ApiKey]:
        """The unrevoked keys of all organizations with this prefix: how a credential finds its scope."""
        ...

    async def touch_key(self, scope: Scope, key_id: str, at: datetime) -> None:
        """Record the last use of a key."""
        ...

    async def revoke_key(self, scope: Scope, key_id: str, at: datetime) -> bool:
        """Whether there was an unrevoked key of this id."""
        ...

    # maintenance
    async def stats(self, scope: Scope, at: datetime, model: EmbeddingModel | None) -> Stats:
        """Counts of what the scope reaches, as it stands at `at`."""
        ...

    async def count_pending(self, model: EmbeddingModel) -> int:
        """How many memories, of all organizations, `model` has not embedded, or without its tokens."""
        ...

    async def drop_embeddings(self, keep: EmbeddingModel) -> int:
        """Remove the vectors of every other model; returns how many."""
        ...

    async def verify(self, *, repair: bool, model: EmbeddingModel | None) -> Verification:
        """Hold every row against what is derived from it; with `repair`, rebuild what can be rebuilt."""
        ...

    async def backup(self, target: Path) -> None:
        """A consistent copy of the whole store while it is in use."""
        ...

    async def warm(self, scope: Scope, model: EmbeddingModel | None) -> None:
        """Load what the first recall of this scope, with vectors of `model`, would have to load."""
        ...

    async def ping(self) -> None:
        """Answer if the store can be read; raises Unavailable."""
        ...

    async def claim(self, job: str) -> Claim | None:
        """A job that only one of the processes that share the store is to do, None while another has it.

        It ends with this process at the latest, or with its connection to the store. Raises Unavailable.
        """
        ...

    async def close(self) -> None:
        """Finish the writes under way and let go of the database."""
        ...
