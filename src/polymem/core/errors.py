"""Everything the core can refuse, as one tree.

    PolymemError
    ├── InvalidInput            what was sent cannot be kept or understood
    │   └── TooLarge            … because it is over a stated limit
    ├── NotFound                no such thing in this scope (foreign and unknown ids answer alike)
    │   └── Gone                    … any more: it was there, and whoever asks may know
    ├── Conflict                the thing changed meanwhile, or already is what was asked
    │   └── RuleBroken              … or a rule about members and owners forbids it
    ├── NotAuthenticated        no credential, or one that is not valid
    ├── Forbidden               a valid credential without the right
    │   └── InsufficientScope       … that its application could still be granted
    ├── TooManyRequests         more calls than this credential has in this time
    └── Unavailable             a part this needs cannot answer now
        ├── StoreUnreachable        … the database
        ├── EmbeddingUnavailable    … the embedding model
        │   └── NoEmbeddingModel        … and none is set up, so waiting does not help
        └── ChatUnavailable         … the chat model

Every error carries one sentence for the person who reads it. Which status code, body or exit
code it becomes is decided by the door it leaves through, never here.
"""

from enum import StrEnum


class PolymemError(Exception):
    """Root of the tree. `str(error)` is a sentence fit to be shown to a caller."""


class InvalidInput(PolymemError):
    """What was sent cannot be kept or understood.

    `field` is the core's name of the offending field where there is one; `index` its position
    in a batch, counted from 0.
    """

    def __init__(self, message: str, *, field: str | None = None, index: int | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.index = index


class TooLarge(InvalidInput):
    """A text, list or request is over its stated limit."""


class NotFound(PolymemError):
    """No such thing in the caller's scope. Never tells whether it exists in another one."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"{kind} {identifier} not found")
        self.kind = kind
        self.identifier = identifier


class Conflict(PolymemError):
    """The thing changed meanwhile, or a rule forbids the state that was asked for."""


class Gone(NotFound):
    """It was there once, and the caller holds what proves that they may know: an invitation that is spent."""

    def __init__(self, kind: str, identifier: str, message: str) -> None:
        super().__init__(kind, identifier)
        self.args = (message,)


class Rule(StrEnum):
    """The rules about accounts, members and owners, for doors that have sentences of their own for them."""

    EMAIL_TAKEN = "email_taken"
    NAME_TAKEN = "name_taken"
    OWNER_STAYS = "owner_stays"
    LAST_ADMIN = "last_admin"
    ALREADY_MEMBER = "already_member"
    ALREADY_OWNER = "already_owner"
    ALREADY_INVITED = "already_invited"
    NOT_A_MEMBER = "not_a_member"
    SUCCESSOR_IS_NO_ADMIN = "successor_is_no_admin"
    INVITES_THEMSELVES = "invites_themselves"
    OWNS_ORGANIZATIONS = "owns_organizations"
    SOLE_ADMIN = "sole_admin"
    NOT_PENDING = "not_pending"


class RuleBroken(Conflict):
    """A rule about accounts, members and owners forbids what was asked. Nothing was changed."""

    def __init__(self, rule: Rule, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class Refusal(StrEnum):
    """Why a credential is not accepted."""

    MISSING = "missing"
    INVALID = "invalid"
    EXPIRED = "expired"
    INACTIVE = "inactive"
    """The account behind it was deactivated."""


class NotAuthenticated(PolymemError):
    """No credential was sent where one is needed, or the one sent is not valid."""

    def __init__(self, message: str, *, reason: Refusal = Refusal.INVALID) -> None:
        super().__init__(message)
        self.reason = reason


class Forbidden(PolymemError):
    """The credential is valid and does not give this right. `action` is `access.Action`'s value where one was asked."""

    def __init__(self, message: str, *, action: str | None = None) -> None:
        super().__init__(message)
        self.action = action


class InsufficientScope(Forbidden):
    """Whoever calls may do it, and only the application they call through was not granted `permission`: a further
    consent would help."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"This application was not granted the right to {permission}")
        self.permission = permission


class TooManyRequests(PolymemError):
    """More calls than this credential has in this time. `limit` calls are allowed in one window, which ends in
    `retry_after` seconds (at least 1)."""

    def __init__(self, operation: str, limit: int, retry_after: int) -> None:
        super().__init__(f"Too many requests: {operation} is limited to {limit} a minute; try again in {retry_after} s")
        self.operation = operation
        self.limit = limit
        self.retry_after = retry_after


class Unavailable(PolymemError):
    """A part that this call needs cannot answer now. `retry_after` is in how many seconds trying again may help; None
    where waiting does not."""

    retry_after: int | None = 5


class StoreUnreachable(Unavailable):
    """The database does not answer: it is not started, not reachable, or going down. Nothing is wrong with it else."""


class EmbeddingUnavailable(Unavailable):
    """The embedding model cannot answer: not reachable, or failing, or there is none."""


class NoEmbeddingModel(EmbeddingUnavailable):
    """No embedding model is set up. The sentence says how to get one."""

    retry_after = None


class ChatUnavailable(Unavailable):
    """The chat model cannot answer: not reachable, too slow, failing, or saying nothing that can be used."""
