"""What stands in where the world offers nothing: no mail server, no counting of calls, no passwords."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from polymem.core.digest.ports import Chosen
from polymem.core.errors import Unavailable
from polymem.core.people.ports import Allowance, Mail

_logger = logging.getLogger(__name__)


class NoMail:
    """A `Mailer` that sends nothing: the link goes to the log, for the operator to pass on."""

    async def send(self, mail: Mail) -> bool:
        """Always False."""
        _logger.warning("no mail server is set up; pass this on to %s: %s: %s", mail.to, mail.subject, mail.link)
        return False


class NoLimits:
    """A `RateLimiter` that lets everything pass."""

    async def hit(self, operation: str, caller: str, limit: int, window: timedelta) -> Allowance:
        """Always allowed."""
        return Allowance(True, limit, limit, 0)

    async def look(self, operation: str, caller: str, limit: int, window: timedelta) -> Allowance:
        """Always allowed."""
        return Allowance(True, limit, limit, 0)

    async def close(self) -> None:
        """Holds nothing."""


class NoPasswords:
    """A `PasswordHasher` for cores that never meet people."""

    async def hash(self, password: str) -> str:
        """Raises Unavailable."""
        raise Unavailable("Passwords cannot be kept here")

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Raises Unavailable."""
        raise Unavailable("Passwords cannot be checked here")


class FirstSentences:
    """An `Extractor` for cores that were given none: what stands first is best."""

    async def choose(
        self, sentences: Sequence[str], *, query: str | None, most: int, worth: Sequence[float] | None = None
    ) -> list[Chosen]:
        """The first ones."""
        return [Chosen(index, 1.0) for index in range(min(most, len(sentences)))]
