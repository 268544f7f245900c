"""API keys made by people: what they may, and who may end them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from polymem.core.checks import check_name
from polymem.core.errors import Forbidden, NotFound
from polymem.core.people import ApiKey, Permission, Principal, User
from polymem.core.people.access import Action
from polymem.core.people.audit import Audit
from polymem.core.people.principals import Access
from polymem.core.ports import Clock, Store


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys, oldest first, with their creators and the keys (names) of their projects by id."""

    keys: tuple[ApiKey, ...]
    creators: Mapping[str, User]
    projects: Mapping[str, str]


class Keys:
    """What a principal can do with keys. `project` is an id or a key of the organization; None is a key for all that
    its creator reaches in the organization."""

    def __init__(self, store: Store, clock: Clock, access: Access, audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._access = access
        self._audit = audit

    async def create(
        self,
        principal: Principal,
        name: str,
        *,
        project: str | None = None,
        organization: str | None = None,
        permissions: frozenset[Permission] | None = None,
        expires_in: timedelta | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is not kept. `permissions` left out are all that the caller has.

        Raises NotFound, Forbidden (more than one has), InvalidInput.
        """
        check_name("name", name)
        if project is None and principal.project_id is not None:
            raise Forbidden("This credential is limited to its own project")
        authority = await self._access.authority(principal, organization=organization, project=project)
        authority.require(Action.CREATE_ORGANIZATION_KEY if project is None else Action.CREATE_KEY)
        own = principal.permissions if project is None else authority.permissions
        wanted = own if permissions is None else permissions
        if not wanted <= own:
            raise Forbidden("Cannot create API key with permissions you don't have", action=Action.CREATE_KEY.value)
        key, secret = await self._access.issue_key(
            replace(authority.scope, permissions=own),
            name,
            project_id=None if authority.project is None else authority.project.id,
            permissions=wanted,
            expires_in=expires_in,
        )
        await self._audit.record(
            principal, authority.scope, "key.created", "key", key.id, name=name, project=key.project_id
        )
        return key, secret

    async def all(
        self,
        principal: Principal,
        *,
        project: str | None = None,
        organization: str | None = None,
        own: bool = False,
    ) -> Keyring:
        """The valid keys of a project, for everybody in it; without one, all those of the organization, revoked ones
        included, for its owner. With `own`, everybody else gets those they made. Raises NotFound, Forbidden."""
        project = project if project is not None else principal.project_id
        authority = await self._access.authority(principal, organization=organization, project=project)
        if authority.project is not None:
            authority.require(Action.SEE_PROJECT)
            keys = await self._store.people.project_keys(authority.scope, authority.project.id)
        else:
            mine = own and principal.user is not None and not principal.is_delegate
            if not mine:
                authority.require(Action.SEE_ORGANIZATION_KEYS)
            keys = await self._store.keys(authority.scope)
            if not authority.may(Action.SEE_ORGANIZATION_KEYS):
                keys = [key for key in keys if key.creator_id == authority.scope.user_id]
        creators = {}
        for id_ in {key.creator_id for key in keys if key.creator_id is not None}:
            creator = await self._store.people.user(id=id_)
            if creator is not None:
                creators[id_] = creator
        projects = {one.id: one.key for one in await self._store.projects(authority.scope)}
        return Keyring(tuple(keys), creators, projects)

    async def revoke(
        self, principal: Principal, key_id: str, *, project: str | None = None, organization: str | None = None
    ) -> ApiKey:
        """End a key of a project (or, without one, any of the organization): from the next request on it is refused.

        One's own, or any for who administers the project. Raises NotFound (kind "Key"), Forbidden.
        """
        project = project if project is not None else principal.project_id
        authority = await self._access.authority(principal, organization=organization, project=project)
        key = await self._store.people.key(authority.scope, key_id)
        if key is None or (authority.project is not None and key.project_id != authority.project.id):
            raise NotFound("Key", key_id)
        if authority.project is None and key.project_id is not None:
            authority = await self._access.authority(
                principal, organization=key.organization_id, project=key.project_id
            )
        own = not principal.is_delegate and principal.user is not None and key.creator_id == principal.user.id
        if not own:
            authority.require(Action.REVOKE_ORGANIZATION_KEYS if key.project_id is None else Action.REVOKE_KEYS)
        if not await self._store.revoke_key(authority.scope, key_id, self._clock.now()):
            raise NotFound("Key", key_id)
        await self._audit.record(
            principal, authority.scope, "key.revoked", "key", key.id, name=key.name, project=key.project_id
        )
        return key
