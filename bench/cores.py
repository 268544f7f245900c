"""Cores on a data directory, and corpora written into them without embedding every text."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench import corpus
from bench.setup import embedder
from polymem.app.composition import SystemClock, new_id
from polymem.core import Core
from polymem.core.model import Draft, Memory
from polymem.core.people import Project, Scope
from polymem.core.people.tenancy import ensure_local_organization
from polymem.core.ports import Derived, Embedder, Embedding, Insert, Write
from polymem.core.text import indexed_text
from polymem.storage import open_store

REAL_EMBEDDINGS = 2000
"""How many texts of a corpus are embedded; see `corpus.vectors`."""

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class OpenCore:
    """A core and the scope of the local owner."""

    core: Core
    scope: Scope


@asynccontextmanager
async def open_core(data_dir: Path | str, model: Embedder) -> AsyncIterator[OpenCore]:
    """A core on a data directory with an embedder that stays open afterwards."""
    clock = SystemClock()
    store = await open_store(data_dir)
    try:
        organization = await ensure_local_organization(store, clock, new_id)
        scope = Scope(organization_id=organization.id)
        core = Core(store, model, clock, new_id, local=scope)
        yield OpenCore(core, scope)
        await core.recall.close()
    finally:
        await store.close()


async def fill(data_dir: Path | str, memories: int, projects: int = 1) -> None:
    """Writes a corpus into a new store, spread evenly over projects named `project-0` and so on."""
    texts = corpus.texts(memories)
    async with embedder() as model, open_core(data_dir, model) as opened:
        await write(opened, texts, await embeddings(opened, texts), projects)


async def embeddings(opened: OpenCore, texts: Sequence[corpus.Text]) -> Iterator[Embedding]:
    """An embedding for each text, real ones for the first; see `corpus.vectors`. The others have their token vectors
    in turn: as many as a real text has, of other words."""
    embedded = await _real(opened, texts)
    return (
        Embedding(vector.tobytes(), 1, embedded[index % len(embedded)].tokens)
        for index, vector in enumerate(_alike(texts, embedded))
    )


async def vectors(opened: OpenCore, texts: Sequence[corpus.Text]) -> Iterator[corpus.Vectors]:
    """The same without token vectors."""
    return _alike(texts, await _real(opened, texts))


async def _real(opened: OpenCore, texts: Sequence[corpus.Text]) -> list[Embedding]:
    first = [indexed_text(to_memory(text, opened.scope)) for text in texts[:REAL_EMBEDDINGS]]
    return await opened.core.embedder.embed_documents(first)


def _alike(texts: Sequence[corpus.Text], embedded: Sequence[Embedding]) -> Iterator[corpus.Vectors]:
    return corpus.vectors(texts, np.stack([np.frombuffer(each.vectors, "<f4") for each in embedded]))


async def write(
    opened: OpenCore,
    texts: Sequence[corpus.Text],
    made: Iterator[Embedding | corpus.Vectors],
    projects: int = 1,
) -> None:
    """Keeps texts with vectors made beforehand. A project's memories come one after the other."""
    core, scope = opened.core, opened.scope
    owners = [await core.projects.ensure(scope, f"project-{number}") for number in range(projects)]
    share = -(-len(texts) // projects)
    for start in range(0, len(texts), _BATCH):
        writes: Sequence[Write] = [
            Insert(
                to_memory(text, scope, owners[index // share]),
                Derived(core.embedder.model, _to_embedding(next(made))),
            )
            for index, text in enumerate(texts[start : start + _BATCH], start)
        ]
        await core.store.apply(scope, writes)


def _to_embedding(made: Embedding | corpus.Vectors) -> Embedding:
    return made if isinstance(made, Embedding) else Embedding(made.tobytes(), 1)


def to_memory(text: corpus.Text, scope: Scope, project: Project | None = None) -> Memory:
    """The memory that a text becomes."""
    now = datetime.now(UTC)
    return Memory(
        id=new_id(),
        organization_id=scope.organization_id,
        project_id=project.id if project else None,
        project=project.key if project else None,
        content=text.content,
        container=text.container,
        occurred_at=text.occurred_at,
        created_at=now,
        updated_at=now,
    )


def to_draft(text: corpus.Text, project: str) -> Draft:
    """What a caller would send for a text."""
    return Draft(content=text.content, project=project, container=text.container, occurred_at=text.occurred_at)
