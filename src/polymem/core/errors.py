"""Everything the core can refuse, as one tree.

    PolymemError
    ├── InvalidInput            what was sent cannot be kept or understood
    │   └── TooLarge            … because it is over a stated limit
    ├── NotFound                no such thing in this scope (foreign and unknown ids answer alike)
    ├── Conflict                the thing changed meanwhile, or already is what was asked
    ├── NotAuthenticated        no credential, or one that is not valid
    ├── Forbidden               a valid credential without the right
    └── Unavailable             a part this needs cannot answer now
        └── EmbeddingUnavailable    … the embedding model

Every error carries one sentence for the person who reads it. Which status code, body or exit
code it becomes is decided by the door it leaves through, never here.
"""


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


class NotAuthenticated(PolymemError):
    """No credential was sent where one is needed, or the one sent is not valid."""


class Forbidden(PolymemError):
    """The credential is valid and does not give this right."""


class Unavailable(PolymemError):
    """A part that this call needs cannot answer now; trying again later may help."""


class EmbeddingUnavailable(Unavailable):
    """The embedding model cannot answer: none configured, not reachable, or failing."""
