"""What `SqlStore` asks of a database: the few things databases do differently.

Everything else is portable SQL in `statements`. Statements name their parameters `:name`; `:name...` stands for
any number of texts, given as a list, and may only follow IN, in parentheses: `kind IN (:kinds...)`.
`metadata_text(m.metadata, :key)` is the string under that key of a column's JSON object, NULL for anything but a
string; its lower() folds ASCII letters only. `now_micros()` is the database's clock, in microseconds since the epoch;
FOR UPDATE SKIP LOCKED at a statement's end passes over rows that another transaction is changing. A backend rewrites
all of them to what its driver and its database take.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Candidates, Claim, EmbeddingModel
from polymem.storage.search import IndexedRow, StateCache

T = TypeVar("T")

Row = tuple[Any, ...]
Params = Mapping[str, Any]
"""Values of a statement's parameters: text, int, float, bytes, None, or a list of texts."""


class Everyone(Enum):
    """The one value that stands for the rows of all organizations."""

    EVERY_ORGANIZATION = "every organization"


EVERY_ORGANIZATION = Everyone.EVERY_ORGANIZATION
"""The tenant of the few transactions that serve the operator or find out which organization a caller belongs to."""

NO_ORGANIZATION = ""
"""The tenant of transactions about accounts, and of those that touch no rows."""

Tenant = str | Everyone
"""Whose rows a transaction may see and change: those of the organization of this id. Every statement says so itself;
a database that can enforces it a second time."""


class Transaction(Protocol):
    """One open transaction. Only used by the function it was given to, on that function's thread."""

    def query(self, statement: str, params: Params) -> list[Row]:
        """All rows the statement yields, those of RETURNING included."""
        ...

    def execute(self, statement: str, params: Params) -> int:
        """How many rows the statement changed."""
        ...

    def execute_many(self, statement: str, rows: Sequence[Params]) -> None:
        """The statement once for each of `rows`."""
        ...

    def take_turn(self, line: str) -> None:
        """Wait for all transactions that stand in this line already, and keep the others waiting until the end."""
        ...


class Search(Protocol):
    """Finds the memories worth ranking, all committed changes included."""

    async def find(self, scope: Scope, query: CandidateQuery) -> Candidates:
        """What `ports.Store.candidates` describes, about the present."""
        ...

    def search(self, tx: Transaction, scope: Scope, query: CandidateQuery) -> Candidates | None:
        """The same inside a reading transaction; None when so much is missing that `load` must come first."""
        ...

    async def load(self, organization_id: str, model: EmbeddingModel | None) -> None:
        """Takes in all changes of the organization."""
        ...

    def follow(self, tx: Transaction, organization_id: str) -> None:
        """Takes in the changes a writing transaction has just made, inside it."""
        ...

    def forget(self, tx: Transaction, organization_id: str) -> None:
        """Lets go of an organization that the transaction is about to delete."""
        ...

    async def disagreement(self, organization_id: str) -> str | None:
        """In what it has kept of the organization differs from the memories, a sentence; None if in nothing."""
        ...

    def start_anew(self, tx: Transaction, organization_id: str) -> None:
        """Throws away what it has kept of the organization, to be made anew from the memories."""
        ...


class Backend(Protocol):
    """A database that is open, with its schema up to date.

    `read` and `write` run a plain function on a thread of the backend, inside one transaction on the rows of `tenant`.
    The function may be run again from its start when the database asks for that, so it changes nothing but the
    database. Both raise Unavailable when the database cannot answer, and whatever the function raises (its changes
    are undone then).
    """

    async def read(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        """What `work` returns, every statement in it seeing the same moment."""
        ...

    async def read_recent(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        """As `read`, but perhaps from a copy of the database: one that has every change of the organization's
        memories that was there when this was called, whoever made it."""
        ...

    async def write(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        """What `work` returns, once its changes are durable."""
        ...

    def search(self, tokens: StateCache[bytes], rows: StateCache[IndexedRow]) -> Search | None:
        """Search by indexes of the database's own, None where there are none for vectors and words: then indexes in
        memory are searched. What is read of memories is kept in `tokens` and `rows`."""
        ...

    async def size(self) -> int | None:
        """Bytes on disk, None where that is not known."""
        ...

    async def damage(self) -> list[str]:
        """What the database's own check of its files finds wrong, one sentence each."""
        ...

    async def backup(self, target: Path) -> None:
        """A consistent copy in the new file `target`. Raises Conflict (it exists), InvalidInput, Unavailable."""
        ...

    async def claim(self, job: str) -> Claim | None:
        """A job that only one process at a time is to do, if no other has it. Ends with this process at the latest.

        Raises Unavailable.
        """
        ...

    async def alone(self) -> bool:
        """Whether no other process has the database open. Where that can be, none will as long as this one has."""
        ...

    async def close(self) -> None:
        """Finishes the writes that were accepted, then lets go of threads, connections and files."""
        ...
