"""Organizations and projects: the parts a memory can belong to."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from polymem.core.checks import check_name, check_note
from polymem.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from polymem.core.people import LOCAL_ORGANIZATION, Organization, Permission, Project, Scope
from polymem.core.people.access import require
from polymem.core.ports import Clock, Store


class Projects:
    """The projects of the caller's organization."""

    def __init__(self, store: Store, clock: Clock, new_id: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    async def all(self, scope: Scope) -> list[Project]:
        """All projects the scope reaches, oldest first."""
        require(scope, Permission.READ)
        return await self._store.projects(scope)

    async def get(self, scope: Scope, identifier: str) -> Project:
        """The project with this key or, failing that, this id or this slug. Raises NotFound."""
        project = await self.find(scope, identifier)
        if project is None:
            raise NotFound("Project", identifier)
        return project

    async def find(self, scope: Scope, identifier: str) -> Project | None:
        """Like `get`, but None when there is none."""
        require(scope, Permission.READ)
        return await self._find(scope, identifier)

    async def by_reference(self, scope: Scope, reference: str) -> Project | None:
        """The project with this id or, failing that, this slug or this key: for doors whose addresses hold slugs."""
        require(scope, Permission.READ)
        by_id = await self._store.project(scope, id=reference)
        by_slug = by_id or await self._store.project(scope, slug=reference)
        return by_slug or await self._store.project(scope, key=reference)

    async def _find(self, scope: Scope, identifier: str) -> Project | None:
        by_key = await self._store.project(scope, key=identifier)
        by_id = by_key or await self._store.project(scope, id=identifier)
        return by_id or await self._store.project(scope, slug=identifier)

    async def create(
        self, scope: Scope, key: str, *, name: str | None = None, description: str = "", stack: tuple[str, ...] = ()
    ) -> Project:
        """Make a project. Raises Conflict when the key is taken."""
        wanted = self._new(scope, key, name=name, description=description, stack=stack)
        kept = await self._store.put_project(scope, wanted)
        if kept.id != wanted.id:
            raise Conflict(f"A project with the key {key} exists already")
        return kept

    async def ensure(self, scope: Scope, key: str) -> Project:
        """The project with this key or, failing that, this id; made under the key when there is none."""
        # No right to read is asked for: a key that may only write can still name where.
        existing = await self._find(scope, key)
        return existing or await self._store.put_project(scope, self._new(scope, key))

    def _new(
        self, scope: Scope, key: str, *, name: str | None = None, description: str = "", stack: tuple[str, ...] = ()
    ) -> Project:
        require(scope, Permission.WRITE)
        check_name("project", key)
        _check_details(name=name, description=description, stack=stack)
        if scope.projects is not None:
            raise Forbidden("This credential is limited to its own project and cannot make others")
        now = self._clock.now()
        return Project(
            id=self._new_id(),
            organization_id=scope.organization_id,
            key=key,
            slug=slugify(key),
            name=name if name is not None else key,
            description=description,
            stack=stack,
            owner_id=scope.user_id,
            created_at=now,
            updated_at=now,
        )

    async def revise(self, scope: Scope, identifier: str, **changes: Any) -> Project:
        """Change name, slug, description, stack or active. Raises NotFound, InvalidInput, Conflict (a taken slug)."""
        require(scope, Permission.WRITE)
        project = await self.get(scope, identifier)
        if unknown := set(changes) - {"name", "slug", "description", "stack", "active"}:
            raise InvalidInput(f"{sorted(unknown)[0]} is not a field that can be set")
        _check_details(**{name: value for name, value in changes.items() if name in ("name", "description", "stack")})
        return await self._store.put_project(
            scope,
            replace(project, updated_at=self._clock.now(), **changes),
        )


def _check_details(name: Any = None, description: Any = "", stack: Any = ()) -> None:
    if name is not None:
        check_name("name", name)
    check_note("description", description)
    for part in stack:
        check_name("stack", part)


async def ensure_local_organization(store: Store, clock: Clock, new_id: Callable[[], str]) -> Organization:
    """The organization of the local owner, made at the first start."""
    existing = await store.organization(slug=LOCAL_ORGANIZATION)
    return existing or await store.put_organization(
        Organization(id=new_id(), slug=LOCAL_ORGANIZATION, name="Local", created_at=clock.now())
    )


def slugify(text: str, fallback: str = "project") -> str:
    """A lower-case ASCII form of `text` for addresses: letters, digits, single hyphens; `fallback` if none is left."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_text.lower())).strip("-_") or fallback
