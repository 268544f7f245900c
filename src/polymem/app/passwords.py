"""Passwords, hashed by Argon2id on threads of their own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

_THREADS = 2
"""How many are computed at once: each takes a core for some 50 ms, and 64 MiB of memory."""


class Argon2Hasher:
    """`core.ports_people.PasswordHasher` with the parameters RFC 9106 recommends for machines of little memory:
    Argon2id, 64 MiB, 3 passes, 4 lanes."""

    def __init__(self, *, memory_kib: int = 64 * 1024, passes: int = 3, lanes: int = 4) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes, type=Type.ID)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="password")
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """A salted hash with its parameters."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hash, password)

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the hashed one; without one, as long a look at nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, password, hashed)

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_bytes(password))

    def _verify(self, password: str, hashed: str | None) -> bool:
        if hashed is None:
            # Who is told "no" must not learn from the time it took that there is no such account.
            self._decoy = self._decoy or self._hash("decoy")
        try:
            self._hasher.verify(hashed or self._decoy or "", _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
