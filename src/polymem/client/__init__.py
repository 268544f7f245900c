"""A typed client of the native API, synchronous and asynchronous.

    from polymem.client import Client

    with Client() as memory:
        memory.add("Ann prefers tea", project="office")
        for hit in memory.recall("What does Ann drink?").hits:
            print(hit.score, hit.memory.content)

It needs nothing of polymem but this package: the server may be another machine's.
"""

from polymem.client.clients import DEFAULT_URL, AsyncClient, Client
from polymem.client.errors import (
    ApiError,
    ClientError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    RateLimited,
    ServerError,
    TimedOut,
    TooLarge,
    Unavailable,
    UnexpectedAnswer,
)
from polymem.client.inputs import Changes, Details, Draft, Filters, Record
from polymem.client.models import (
    Answer,
    ApiKey,
    ContextDocument,
    Health,
    Hit,
    ImportReport,
    Memory,
    MemoryConflict,
    NewApiKey,
    Page,
    Project,
    RecallActivity,
    Recalled,
    RecallsOfDay,
    Skipped,
    Stats,
    Trust,
    Version,
    WhyNot,
)

__all__ = [
    "DEFAULT_URL",
    "Answer",
    "ApiError",
    "ApiKey",
    "AsyncClient",
    "Changes",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "ContextDocument",
    "Details",
    "Draft",
    "Filters",
    "Forbidden",
    "Health",
    "Hit",
    "ImportReport",
    "InvalidInput",
    "Memory",
    "MemoryConflict",
    "NewApiKey",
    "NotAuthenticated",
    "NotFound",
    "Page",
    "Project",
    "RateLimited",
    "RecallActivity",
    "Recalled",
    "RecallsOfDay",
    "Record",
    "ServerError",
    "Skipped",
    "Stats",
    "TimedOut",
    "TooLarge",
    "Trust",
    "Unavailable",
    "UnexpectedAnswer",
    "Version",
    "WhyNot",
]
