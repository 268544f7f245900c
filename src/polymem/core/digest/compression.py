"""The same in fewer words: conversations and stored memories, shortened so that nothing that matters is lost.

Whoever shortens, a chat model or rules, every number, date, name and piece of code of the original is in the outcome:
what a model leaves out is added again as the original had it. How much shorter it gets is a wish, this is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from polymem.core.digest.digest import DigestMode, told
from polymem.core.digest.ports import Chat, ChatMessage, ChatRequest, Extractor, Speaker
from polymem.core.digest.prompts import COMPRESSION, to_block, to_data
from polymem.core.digest.salient import is_decision, is_pleasantry, missing, salient, tightened
from polymem.core.digest.sentences import Unit, units
from polymem.core.errors import ChatUnavailable, InvalidInput, TooLarge
from polymem.core.ports import Embedder
from polymem.core.quoting import visible

DEFAULT_RATIO = 0.5
MOST_CHARACTERS = 400_000
"""Longest text that is compressed at once, in characters."""

_MOST_RANKED = 200
_OVERHEAD_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of what is to be compressed: what it says and, before or after it, who says it or where it is kept."""

    text: str
    label: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compressed:
    """What is left, and how long it was and is, as the local tokenizer counts."""

    text: str
    mode: DigestMode
    original_tokens: int
    tokens: int
    model: str | None = None
    trouble: str | None = None

    @property
    def ratio(self) -> float:
        """How much of it is left, 0 to 1."""
        return self.tokens / self.original_tokens if self.original_tokens else 1.0


@dataclass(slots=True)
class _Piece:
    passage: int
    unit: Unit
    keep: bool = False


class Compression:
    """`await compression(passages)` compresses."""

    def __init__(self, embedder: Embedder, extractor: Extractor, chat: Chat | None) -> None:
        self._embedder = embedder
        self._extractor = extractor
        self._chat = chat

    async def __call__(self, passages: Sequence[Passage], *, ratio: float = DEFAULT_RATIO) -> Compressed:
        """What is left of the passages, about `ratio` of it. Raises InvalidInput, TooLarge."""
        if not 0.0 < ratio <= 1.0:
            raise InvalidInput("ratio must be more than 0 and at most 1", field="ratio")
        if sum(len(passage.text) for passage in passages) > MOST_CHARACTERS:
            raise TooLarge(f"At most {MOST_CHARACTERS} characters can be compressed at once")
        original = "\n".join(_shown(passage, passage.text) for passage in passages if passage.text.strip())
        if not original:
            raise InvalidInput("There is no text to compress", field="text")
        tokens = self._embedder.count_tokens(original)
        trouble = None
        if self._chat is not None and 2 * tokens + _OVERHEAD_TOKENS <= self._chat.context_tokens:
            try:
                text = await self._generated(self._chat, passages, tokens, ratio)
                shorter = self._embedder.count_tokens(text)
                if shorter < tokens:
                    return Compressed(
                        text=text,
                        mode=DigestMode.GENERATED,
                        original_tokens=tokens,
                        tokens=shorter,
                        model=self._chat.model,
                    )
                trouble = "The chat model made it longer."
            except ChatUnavailable as error:
                trouble = told(error)
        elif self._chat is not None:
            trouble = f"The text has {tokens} tokens, more than the chat model takes."
        text = await self._extracted(passages, tokens, ratio)
        return Compressed(
            text=text,
            mode=DigestMode.EXTRACTIVE,
            original_tokens=tokens,
            tokens=self._embedder.count_tokens(text),
            trouble=trouble,
        )

    async def _generated(self, chat: Chat, passages: Sequence[Passage], tokens: int, ratio: float) -> str:
        lines = [
            to_data({name: value for name, value in _told(passage).items() if value})
            for passage in passages
            if passage.text.strip()
        ]
        wanted = f"Compress it to about {max(10, int(tokens * ratio * 0.75))} words."
        request = ChatRequest(
            messages=(
                ChatMessage(Speaker.SYSTEM, COMPRESSION),
                ChatMessage(Speaker.USER, f"{to_block(lines, 'text')}\n\n{wanted}"),
            ),
            max_tokens=tokens + _OVERHEAD_TOKENS,
        )
        text = (await chat.complete(request)).strip()
        lost = missing(frozenset().union(*(salient(passage.text) for passage in passages)), text)
        if not lost:
            return text
        added = [
            _shown(passages[piece.passage], piece.unit.text)
            for piece in _pieces(passages)
            if not lost.isdisjoint(salient(piece.unit.text))
        ]
        return "\n".join((text, *dict.fromkeys(added)))

    async def _extracted(self, passages: Sequence[Passage], tokens: int, ratio: float) -> str:
        pieces = _pieces(passages)
        seen: set[str] = set()
        optional: list[_Piece] = []
        left = tokens * ratio
        for piece in pieces:
            text = piece.unit.text
            new = salient(text) - seen
            if new or (is_decision(text) and text.casefold() not in seen):
                piece.keep = True
                seen |= {*new, text.casefold()}
                left -= self._embedder.count_tokens(text)
            elif not is_pleasantry(text):
                optional.append(piece)
        optional = optional[:_MOST_RANKED]
        if left > 0 and optional:
            chosen = await self._extractor.choose(
                [piece.unit.text for piece in optional], query=None, most=len(optional)
            )
            for one in chosen:
                size = self._embedder.count_tokens(optional[one.index].unit.text)
                if size <= left:
                    optional[one.index].keep = True
                    left -= size
        kept: dict[int, list[Unit]] = {}
        for piece in pieces:
            if piece.keep:
                kept.setdefault(piece.passage, []).append(piece.unit)
        if not kept:
            # Nothing but pleasantries: the first says it all.
            return _shown(passages[pieces[0].passage], pieces[0].unit.text)
        return "\n".join(_shown(passages[place], _joined(found)) for place, found in kept.items())


def _pieces(passages: Sequence[Passage]) -> list[_Piece]:
    return [
        _Piece(place, unit)
        for place, passage in enumerate(passages)
        for unit in units(visible(passage.text))
        if unit.text
    ]


def _joined(found: Sequence[Unit]) -> str:
    text = ""
    for unit in found:
        if unit.is_code:
            text += f"\n{unit.text}\n"
        else:
            text += ("" if not text or text.endswith("\n") else " ") + tightened(unit.text)
    return text.strip("\n")


def _told(passage: Passage) -> dict[str, str]:
    return {"speaker": passage.label, "memory": passage.reference, "text": passage.text}


def _shown(passage: Passage, text: str) -> str:
    before = f"{passage.label}: " if passage.label else ""
    after = f" [{passage.reference}]" if passage.reference else ""
    return f"{before}{text.strip()}{after}"
