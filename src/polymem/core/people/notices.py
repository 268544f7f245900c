"""Notifications: what a user should know of what others did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from polymem.core.errors import NotFound
from polymem.core.people import NoticeKind, Notification, Principal, User
from polymem.core.people.principals import account_of
from polymem.core.ports import Clock, Store

SHOWN = 50
"""How many of the newest a list shows."""

KEY_WARNING = timedelta(days=7)
"""How long before the end of a key its creator is told."""


@dataclass(frozen=True, slots=True)
class Notices:
    """The newest notifications, newest first, and how many of all are unread."""

    items: tuple[Notification, ...]
    unread: int


class Noticeboard:
    """Tells users, and remembers what they have read."""

    def __init__(self, store: Store, clock: Clock, new_id: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    async def tell(self, user_id: str, kind: NoticeKind, title: str, message: str, **data: Any) -> None:
        """Put up a notification for a user."""
        await self._store.people.add_notification(
            Notification(
                id=self._new_id(),
                user_id=user_id,
                kind=kind,
                title=title,
                message=message,
                data=data,
                created_at=self._clock.now(),
            )
        )

    async def newest(self, principal: Principal) -> Notices:
        """The last 50 of the account behind the call. Raises Forbidden without one."""
        items, unread = await self._store.people.notifications(account_of(principal).id, SHOWN)
        return Notices(tuple(items), unread)

    async def read(self, principal: Principal, notification_id: str) -> None:
        """Mark one as read. Raises NotFound."""
        user = account_of(principal)
        if not await self._store.people.read_notification(user.id, notification_id, self._clock.now()):
            raise NotFound("Notification", notification_id)

    async def read_all(self, principal: Principal) -> int:
        """Mark all as read; how many were unread."""
        return await self._store.people.read_notifications(account_of(principal).id, self._clock.now())

    async def warn_of_expiring_keys(self) -> int:
        """Tell the creators of keys that end within a week, once for each key; how many were told. A chore."""
        now, told = self._clock.now(), 0
        for key in await self._store.people.keys_expiring(now, now + KEY_WARNING):
            assert key.creator_id is not None
            assert key.expires_at is not None
            if await self._store.people.notified(key.creator_id, NoticeKind.KEY_EXPIRING.value, key.id):
                continue
            await self.tell(
                key.creator_id,
                NoticeKind.KEY_EXPIRING,
                f"The key {key.name} ends soon",
                f"The key {key.name} ({key.prefix}…) ends on {key.expires_at:%Y-%m-%d %H:%M} UTC",
                about=key.id,
                name=key.name,
                expires_at=key.expires_at.isoformat(),
            )
            told += 1
        return told

    async def ownership_received(self, user: User, organization_name: str) -> None:
        """Tell a user that an organization is theirs now."""
        await self.tell(
            user.id,
            NoticeKind.OWNERSHIP_RECEIVED,
            f"You own {organization_name}",
            f"The ownership of {organization_name} was transferred to you",
            organization=organization_name,
        )

    async def role_changed(self, user_id: str, place: str, old: str, new: str) -> None:
        """Tell a user their new role."""
        await self.tell(
            user_id,
            NoticeKind.ROLE_CHANGED,
            f"Your role in {place} changed",
            f"You are now {new} of {place}; you were {old}",
            place=place,
            old_role=old,
            new_role=new,
        )

    async def removed(self, user_id: str, place: str) -> None:
        """Tell a user that they lost access."""
        await self.tell(
            user_id,
            NoticeKind.REMOVED,
            f"You were removed from {place}",
            f"You no longer belong to {place}",
            place=place,
        )
