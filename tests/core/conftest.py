"""A core over a real store in a directory of its own, with a clock that the test turns."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from polymem.app.composition import new_id
from polymem.core import Core
from polymem.core.people import Scope
from polymem.core.people.tenancy import ensure_local_organization
from polymem.inference import EmbedderSpec, open_embedder
from polymem.storage import open_store


@dataclass
class TurnedClock:
    """Time that passes when the test says so."""

    instant: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """The instant it was turned to."""
        return self.instant

    def turn(self, **step: float) -> None:
        """Let this much time pass."""
        self.instant += timedelta(**step)


@dataclass(frozen=True)
class Home:
    """A core, the local owner's scope and the clock."""

    core: Core
    scope: Scope
    clock: TurnedClock


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    """A core without an embedding model: what it tests does not need one."""
    clock = TurnedClock()
    store = await open_store(tmp_path)
    organization = await ensure_local_organization(store, clock, new_id)
    scope = Scope(organization_id=organization.id, actor="test")
    core = Core(store, open_embedder(EmbedderSpec(kind="none"), tmp_path), clock, new_id, scope)
    yield Home(core, scope, clock)
    await core.close()
