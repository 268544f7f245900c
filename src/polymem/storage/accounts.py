"""Accounts, their secrets and their notifications in the database. Functions of a transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from polymem.core.errors import Rule, RuleBroken
from polymem.core.model import Page
from polymem.core.people import AccountToken, Notification, TokenPurpose, User
from polymem.storage import people_statements as statements
from polymem.storage.backend import Transaction
from polymem.storage.people_rows import (
    email_key,
    from_notification_row,
    from_token_row,
    from_user_row,
    to_notification_params,
    to_token_params,
    to_user_params,
)
from polymem.storage.rows import is_storable, to_micros

_NOTIFICATIONS_KEPT = timedelta(days=30)


def add_user(tx: Transaction, user: User) -> None:
    """Raises RuleBroken when the address has an account."""
    if tx.execute(statements.INSERT_USER, to_user_params(user)) == 0:
        raise RuleBroken(Rule.EMAIL_TAKEN, f"There is an account for {user.email} already")


def get_user(tx: Transaction, *, id_: str | None = None, email: str | None = None) -> User | None:
    """The account with this id or address."""
    wanted = id_ if email is None else email_key(email)
    if wanted is None or not is_storable(wanted):
        return None
    statement = statements.USER_BY_ID if email is None else statements.USER_BY_EMAIL
    rows = tx.query(statement, {"user_id": wanted, "email_key": wanted})
    return from_user_row(rows[0]) if rows else None


def users_named(tx: Transaction, name: str) -> list[User]:
    """The active accounts of a name, oldest first."""
    rows = tx.query(statements.USERS_BY_NAME, {"name": name}) if is_storable(name) else []
    return [from_user_row(row) for row in rows]


def users(tx: Transaction, limit: int, offset: int) -> Page[User]:
    """A page of all accounts."""
    rows = tx.query(statements.USERS, {"limit": limit, "offset": offset})
    ((total,),) = tx.query(statements.COUNT_USERS, {})
    return Page(tuple(from_user_row(row) for row in rows), total, limit, offset)


def put_user(tx: Transaction, user: User) -> None:
    """Replace what the holder can change."""
    tx.execute(statements.UPDATE_USER, to_user_params(user))


# --- secrets -----------------------------------------------------------------------------------


def add_token(tx: Transaction, token: AccountToken) -> None:
    """Keep a new secret; sessions and links of the account that are over go."""
    tx.execute(statements.FORGET_TOKENS, {"user_id": token.user_id, "at": to_micros(token.created_at)})
    tx.execute(statements.INSERT_TOKEN, to_token_params(token))


def tokens(tx: Transaction, user_id: str, purpose: TokenPurpose) -> list[AccountToken]:
    """Those not revoked, oldest first."""
    rows = tx.query(statements.TOKENS, {"user_id": user_id, "purpose": purpose.value}) if is_storable(user_id) else []
    return [from_token_row(row) for row in rows]


def tokens_by_prefix(tx: Transaction, prefix: str) -> list[AccountToken]:
    """The unrevoked ones of all accounts with this prefix."""
    rows = tx.query(statements.TOKENS_BY_PREFIX, {"prefix": prefix}) if is_storable(prefix) else []
    return [from_token_row(row) for row in rows]


def touch_token(tx: Transaction, user_id: str, token_id: str, at: datetime) -> None:
    """Record a use."""
    if is_storable(user_id) and is_storable(token_id):
        tx.execute(statements.TOUCH_TOKEN, {"user_id": user_id, "id": token_id, "at": to_micros(at)})


def revoke_token(tx: Transaction, user_id: str, token_id: str, at: datetime) -> bool:
    """Whether there was an unrevoked one of this id."""
    if not (is_storable(user_id) and is_storable(token_id)):
        return False
    return tx.execute(statements.REVOKE_TOKEN, {"user_id": user_id, "id": token_id, "at": to_micros(at)}) > 0


def revoke_tokens(
    tx: Transaction, user_id: str, purposes: Sequence[TokenPurpose], at: datetime, *, but: str | None = None
) -> int:
    """Revoke all of these purposes but one."""
    if not is_storable(user_id):
        return 0
    names = [purpose.value for purpose in purposes]
    params = {"user_id": user_id, "purposes": names, "at": to_micros(at), "but": but or ""}
    return tx.execute(statements.REVOKE_TOKENS, params)


# --- notifications -----------------------------------------------------------------------------


def add_notification(tx: Transaction, notification: Notification) -> None:
    """Keep one; the user's notifications of more than 30 days ago go."""
    before = to_micros(notification.created_at - _NOTIFICATIONS_KEPT)
    tx.execute(statements.FORGET_NOTIFICATIONS, {"user_id": notification.user_id, "before": before})
    tx.execute(statements.INSERT_NOTIFICATION, to_notification_params(notification))


def notifications(tx: Transaction, user_id: str, limit: int) -> tuple[list[Notification], int]:
    """The newest, newest first, and how many of all are unread."""
    if not is_storable(user_id):
        return [], 0
    rows = tx.query(statements.NOTIFICATIONS, {"user_id": user_id, "limit": limit})
    ((unread,),) = tx.query(statements.COUNT_UNREAD, {"user_id": user_id})
    return [from_notification_row(row) for row in rows], unread


def read_notification(tx: Transaction, user_id: str, notification_id: str, at: datetime) -> bool:
    """Whether the user has such a one."""
    if not (is_storable(user_id) and is_storable(notification_id)):
        return False
    of_user = {"user_id": user_id, "id": notification_id}
    if not tx.query(statements.NOTIFICATION, of_user):
        return False
    tx.execute(statements.READ_NOTIFICATION, {**of_user, "at": to_micros(at)})
    return True


def read_notifications(tx: Transaction, user_id: str, at: datetime) -> int:
    """How many were unread."""
    if not is_storable(user_id):
        return 0
    return tx.execute(statements.READ_NOTIFICATIONS, {"user_id": user_id, "at": to_micros(at)})


def notified(tx: Transaction, user_id: str, kind: str, about: str) -> bool:
    """Whether the user was told of this."""
    return bool(tx.query(statements.NOTIFIED, {"user_id": user_id, "kind": kind, "about": about}))
