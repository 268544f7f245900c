"""What the core needs of a store for the applications that people let in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from polymem.core.people import Scope
from polymem.core.people.applications import Application, Grant, GrantToken, Held


class GrantStore(Protocol):
    """Keeps applications, grants and their tokens. Grants go with their account, organization and project."""

    async def add_application(self, application: Application, *, most: int, unused_since: datetime) -> bool:
        """Keep a new one, after those registered before `unused_since` that nobody granted anything have gone.
        False when there are `most` already."""
        ...

    async def application(self, application_id: str) -> Application | None:
        """The registered one of an id."""
        ...

    async def add_grant(self, scope: Scope, grant: Grant, code: GrantToken) -> None:
        """Keep a new grant and its first secret."""
        ...

    async def held(self, prefix: str) -> list[Held]:
        """The secrets with this prefix, of all organizations: how a credential finds its scope."""
        ...

    async def exchange(self, scope: Scope, token_id: str, tokens: Sequence[GrantToken], at: datetime) -> bool:
        """Spend a secret and keep others of the same grant in its place; the access tokens before them end. False, and
        nothing done, when it was spent already or is not there."""
        ...

    async def touch(self, scope: Scope, grant_id: str, at: datetime) -> None:
        """Record a use."""
        ...

    async def revoke(self, scope: Scope, grant_id: str) -> bool:
        """End a grant with all its secrets; whether there was one."""
        ...

    async def of_user(self, user_id: str) -> list[Grant]:
        """What an account has granted, newest first."""
        ...
