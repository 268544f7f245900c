"""Facts out of messages, without losing any: what a chat model finds in them, and what it leaves is kept as it is.

A message whose facts were found is kept beside each of them, as where it comes from. One of which nothing was found,
that the model was not shown whole, or that it could not be asked about, stands for itself.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polymem.core.checks import checked
from polymem.core.digest.compression import Passage
from polymem.core.digest.extraction import estimate, listed, room_for_lines, to_line
from polymem.core.digest.ports import Chat
from polymem.core.errors import ChatUnavailable, InvalidInput
from polymem.core.model import MAX_BATCH, Draft

_logger = logging.getLogger(__name__)

_MOST_REQUESTS = 8
"""Most times that one conversation has a model asked; what comes after that is kept as it is."""
_PER_PASSAGE = 5
_MOST_AT_ONCE = 60


@dataclass(frozen=True, slots=True)
class Kept:
    """A text to keep: a fact, and the messages it was drawn from (places, and their texts), or a message itself."""

    text: str
    places: tuple[int, ...]
    source: str | None = None

    @property
    def is_fact(self) -> bool:
        """Whether it is not a message as it was said."""
        return self.source is not None


@dataclass(frozen=True, slots=True)
class FactsFound:
    """What to keep, in the order of the conversation. `trouble` says why a model was not heard, None where it was."""

    kept: tuple[Kept, ...]
    trouble: str | None = None


class Facts:
    """`await facts(passages)` says what to keep of a conversation; without a chat model, all of it as it is."""

    def __init__(self, chat: Chat | None) -> None:
        self._chat = chat

    async def __call__(self, passages: Sequence[Passage]) -> FactsFound:
        """Every passage that says something is in what comes back: as itself, or as the source of a fact."""
        facts: list[Kept] = []
        trouble = None
        if self._chat is not None:
            for batch in _batches(passages, room_for_lines(self._chat)):
                try:
                    facts += await _found(self._chat, passages, batch)
                except ChatUnavailable as error:
                    # Whoever waits for an answer waits for one failure, not for each.
                    trouble = str(error)
                    _logger.warning("a chat model found no facts; the messages are kept as they are: %s", error)
                    break
        covered = {place for fact in facts for place in fact.places}
        texts = [
            Kept(one.text, (place,)) for place, one in enumerate(passages) if one.text.strip() and place not in covered
        ]
        if len(facts) + len(texts) > MAX_BATCH:
            return FactsFound(tuple(Kept(one.text, (place,)) for place, one in enumerate(passages) if one.text.strip()))
        return FactsFound(tuple(sorted(facts + texts, key=lambda one: one.places[:1])), trouble)


def _batches(passages: Sequence[Passage], room: int) -> Iterator[list[int]]:
    # Places of passages that a model can read whole and together.
    made, batch, taken = 0, list[int](), 0
    for place, passage in enumerate(passages):
        size = estimate(to_line(place + 1, passage))
        if not passage.text.strip() or size > room:
            continue
        if taken + size > room:
            yield batch
            made, batch, taken = made + 1, [], 0
            if made == _MOST_REQUESTS:
                return
        batch.append(place)
        taken += size
    if batch:
        yield batch


async def _found(chat: Chat, passages: Sequence[Passage], batch: Sequence[int]) -> list[Kept]:
    lines = [to_line(number, passages[place]) for number, place in enumerate(batch, 1)]
    most = min(_MOST_AT_ONCE, _PER_PASSAGE * len(batch))
    facts = []
    for one in await listed(chat, lines, most):
        numbers = one.lines if len(batch) > 1 else (1,)
        places = tuple(sorted(batch[number - 1] for number in numbers if 1 <= number <= len(batch)))
        source = "\n".join(passages[place].text for place in places)
        # What cannot be kept beside its facts is kept by itself, and so is what no fact names.
        if not _can_be_kept(one.content, source):
            places, source = (), ""
        if _can_be_kept(one.content):
            facts.append(Kept(one.content, places, source))
    return facts


def _can_be_kept(text: str, source: str | None = None) -> bool:
    try:
        checked(Draft(content=text, context=source))
    except InvalidInput:
        return False
    return True
