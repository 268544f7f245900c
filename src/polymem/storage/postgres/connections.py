"""A process's connections to one server: opened when they are needed, kept while they work, replaced when they break.

As many are open at most as there are threads that borrow one at a time. While the server cannot be reached, one
borrower in RETRY_SECONDS tries to reach it and all others are refused at once, so that an outage costs callers no
waiting and is over as soon as the server is back.
"""

import logging
import os
import random
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from polymem.core.errors import StoreUnreachable
from polymem.storage.backend import Row

_logger = logging.getLogger(__name__)

APPLICATION = "polymem"
"""The first word of the name under which a process is known to the server; its host and number follow."""

CONNECT_SECONDS = 5
RETRY_SECONDS = 1.0
LIFETIME_SECONDS = 1800.0
"""After about so long a connection is replaced, so that those of many processes spread anew over what is behind one
address."""

_SILENT_PEER = {
    # A host that has vanished without a word is noticed within half a minute, not within hours.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_LIMITS = (
    # Compiling a statement takes longer than any of ours runs.
    "SET jit = off",
    # Nobody waits longer than this for another's change of the same organization …
    "SET lock_timeout = '15s'",
    # … and a process that was frozen in the middle of one does not hold its locks for ever.
    "SET idle_in_transaction_session_timeout = '60s'",
)

Connection = psycopg.Connection[Row]

CANNOT_BE_REACHED = "The database cannot be reached now; try again later"


def connect(url: str, **options: Any) -> Connection:
    """A new connection; what the URL says wins over our defaults. Raises psycopg.Error."""
    name = f"{APPLICATION} {socket.gethostname()[:36]}:{os.getpid()}"
    defaults: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "application_name": name, **_SILENT_PEER}
    return psycopg.connect(make_conninfo("", **{**defaults, **conninfo_to_dict(url)}), **options)


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A connection, and when (by the monotonic clock) it is to be replaced."""

    connection: Connection
    replaced_at: float


class Connections:
    """The connections to the server of one URL. Safe for threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._idle: list[Borrowed] = []
        self._down = False
        self._probing = False
        self._probe_at = 0.0
        self._closed = False

    def take(self) -> Borrowed:
        """A connection outside any transaction, to be given back. Raises StoreUnreachable."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._down and (self._probing or time.monotonic() < self._probe_at):
                raise StoreUnreachable(CANNOT_BE_REACHED)
            self._probing = self._down
        try:
            connection = connect(self._url)
            connection.autocommit = True
            for statement in _LIMITS:
                connection.execute(statement)
            connection.autocommit = False
        except psycopg.Error as error:
            self._failed(error)
            raise StoreUnreachable(CANNOT_BE_REACHED) from error
        except BaseException:
            with self._lock:
                self._probing = False
            raise
        self._answered()
        return Borrowed(connection, time.monotonic() + LIFETIME_SECONDS * random.uniform(0.8, 1.0))

    def give_back(self, borrowed: Borrowed) -> None:
        """Keep it for the next borrower, if it is fit for that."""
        connection = borrowed.connection
        if connection.info.transaction_status == TransactionStatus.IDLE and time.monotonic() < borrowed.replaced_at:
            with self._lock:
                if not self._closed:
                    self._idle.append(borrowed)
                    return
        connection.close()

    def forget_idle(self) -> None:
        """Close those nobody holds: one of them was found dead, and the others are older."""
        with self._lock:
            idle, self._idle = self._idle, []
        for borrowed in idle:
            borrowed.connection.close()

    def close(self) -> None:
        """Close those nobody holds, now, and the others when they are given back."""
        self._closed = True
        self.forget_idle()

    def _failed(self, error: psycopg.Error) -> None:
        with self._lock:
            first, self._down, self._probing = not self._down, True, False
            self._probe_at = time.monotonic() + RETRY_SECONDS
        if first:
            _logger.warning("the database cannot be reached: %s", str(error).strip())

    def _answered(self) -> None:
        with self._lock:
            was_down, self._down, self._probing = self._down, False, False
        if was_down:
            _logger.warning("the database answers again")
