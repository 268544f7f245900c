"""Memories, vectors and stores for the storage tests."""

import hashlib
import math
import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from polymem.core.model import Change, Memory
from polymem.core.people import Organization, Project, Scope
from polymem.core.ports import (
    Batch,
    Derived,
    Embedding,
    EmbeddingModel,
    Insert,
    PendingText,
    Store,
    Update,
    Write,
)

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MODEL = EmbeddingModel("a-model", 8)
OTHER_MODEL = EmbeddingModel("another-model", 4)

_numbers = count(1)


def new_id(prefix: str = "m") -> str:
    """An id that sorts after all made before."""
    return f"{prefix}-{next(_numbers):08d}"


def vector(text: str, model: EmbeddingModel = MODEL) -> bytes:
    """A unit vector that depends on the text alone."""
    digest = hashlib.blake2b(text.encode(), digest_size=model.dimensions * 2).digest()
    values = [value - 32768 for value in struct.unpack(f"<{model.dimensions}H", digest)]
    length = math.sqrt(sum(value * value for value in values))
    return struct.pack(f"<{model.dimensions}f", *(value / length for value in values))


def embedded(text: str, model: EmbeddingModel = MODEL) -> Derived:
    return Derived(model, Embedding(vector(text, model), 1))


def organization(**fields: Any) -> Organization:
    id_ = fields.pop("id", None) or new_id("o")
    values: dict[str, Any] = {"id": id_, "slug": id_, "name": "An organization", "created_at": NOW}
    return Organization(**values | fields)


def project(scope: Scope, key: str, **fields: Any) -> Project:
    values: dict[str, Any] = {
        "id": new_id("p"),
        "organization_id": scope.organization_id,
        "key": key,
        "slug": key,
        "name": key.title(),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Project(**values | fields)


def memory(scope: Scope, content: str = "The cat sleeps.", *, project: Project | None = None, **fields: Any) -> Memory:
    values: dict[str, Any] = {
        "id": new_id(),
        "organization_id": scope.organization_id,
        "content": content,
        "created_at": NOW,
        "updated_at": NOW,
        "project_id": project and project.id,
        "project": project and project.key,
    }
    return Memory(**values | fields)


def inserts(
    memories: Sequence[Memory], *, model: EmbeddingModel | None = MODEL, unless_duplicate: bool = False
) -> list[Write]:
    return [
        Insert(
            memory,
            Derived() if model is None else embedded(memory.content, model),
            unless_duplicate=unless_duplicate,
        )
        for memory in memories
    ]


async def keep(store: Store, scope: Scope, *memories: Memory, model: EmbeddingModel | None = MODEL) -> list[Memory]:
    """Inserts the memories in one transaction and gives them back."""
    await store.apply(scope, inserts(memories, model=model))
    return list(memories)


LEASE = timedelta(seconds=30)


def vectors_of(texts: Sequence[PendingText], model: EmbeddingModel = MODEL) -> list[tuple[PendingText, Embedding]]:
    return [(text, Embedding(vector(text.text, model), 1)) for text in texts]


async def take(store: Store, model: EmbeddingModel = MODEL, lease: timedelta = LEASE) -> Batch:
    """The next batch of what has no vector; there is one."""
    batch = await store.backlog.take(model, lease)
    assert batch is not None
    return batch


async def finish(
    store: Store, batch: Batch, embeddings: Sequence[tuple[PendingText, Embedding]], model: EmbeddingModel = MODEL
) -> int:
    """Keeps vectors of a batch; what is not among them may be tried again in an hour."""
    return await store.backlog.keep(model, batch, embeddings, retry_after=timedelta(hours=1))


async def new_scope(store: Store, **fields: Any) -> Scope:
    """The scope of a new organization."""
    kept = await store.put_organization(organization())
    return Scope(organization_id=kept.id, actor="a-tester", **fields)


def changed(
    memory: Memory, change: Change = Change.REVISED, *, derived: Derived | None = None, **fields: Any
) -> Update:
    """The next version of `memory`."""
    values: dict[str, Any] = {"version": memory.version + 1, "updated_at": memory.updated_at + timedelta(minutes=1)}
    values |= fields
    return Update(replace(memory, **values), change, derived)
