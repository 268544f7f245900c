"""The audit trail: who did what to which object, when, and through which door."""

import logging
from collections.abc import Callable
from typing import Any

from polymem.core.checks import check_page
from polymem.core.model import Page
from polymem.core.people import AuditEntry, Principal, Scope
from polymem.core.people.access import Action
from polymem.core.people.principals import Access
from polymem.core.ports import Clock, Store

_logger = logging.getLogger(__name__)


class Audit:
    """Keeps and shows the trail. What is kept are names, roles and ids; never secrets, never texts of memories."""

    def __init__(self, store: Store, clock: Clock, new_id: Callable[[], str], access: Access) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._access = access

    async def record(
        self, principal: Principal, scope: Scope, action: str, object_kind: str, object_id: str, **detail: Any
    ) -> None:
        """Keep that the principal did this in the scope's organization, after it was done."""
        entry = AuditEntry(
            id=self._new_id(),
            organization_id=scope.organization_id,
            at=self._clock.now(),
            actor=principal.actor,
            action=action,
            object_kind=object_kind,
            object_id=object_id,
            door=principal.door,
            detail=detail,
        )
        await self._store.people.add_audit(scope, entry)
        _logger.info("%s by %s: %s %s", action, entry.actor, object_kind, object_id)

    async def page(
        self, principal: Principal, *, organization: str | None = None, limit: int = 50, offset: int = 0
    ) -> Page[AuditEntry]:
        """A page of the organization's trail, newest first. Raises NotFound, Forbidden (not an admin)."""
        check_page(limit, offset)
        authority = await self._access.authority(principal, organization=organization)
        authority.require(Action.READ_AUDIT)
        return await self._store.people.audit(authority.scope, limit, offset)
