"""Texts made of memories: answers to questions, and summaries.

    recall ─► memories above the floor ─► none: refused
                     │
       ┌─────────────┴──────────────┐
    a chat model                 none, or not to be reached
    writes, from memories          sentences are chosen, by relevance
    as data; cites numbers         and diversity, and quoted
       └─────────────┬──────────────┘
              text with [ids] · the memories it was made from

Whoever writes, the text names the memories it comes from, and says in `mode` who wrote.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from polymem.core.checks import check_query
from polymem.core.digest.evidence import Sentence, pieces, to_lines, worth
from polymem.core.digest.ports import Chat, ChatMessage, ChatRequest, Extractor, Speaker
from polymem.core.digest.prompts import ANSWER, REFUSAL, SUMMARY, Citations, to_block, with_citations
from polymem.core.errors import ChatUnavailable, InvalidInput
from polymem.core.filters import Filter, Not, Superseded, TagsAny
from polymem.core.memories import Memories
from polymem.core.model import Draft, Memory
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.ports import Embedder
from polymem.core.ranking import DEFAULT_PROFILE
from polymem.core.recall import Hit, Recall, RecallQuery

_logger = logging.getLogger(__name__)

REFUSED = "None of the stored memories answers this question."
"""What a refusal says."""

FALLBACK = "The chat model could not answer, so this was quoted from the memories."
"""What a door says when a chat model is there and did not write; why stands in the log, not in answers."""

GENERATED_TAG = "ai-generated"
"""Marks what was made of memories, so that no summary is made of summaries."""

SUMMARY_KIND = "summary"
SUMMARIZES = "summarizes"
"""The metadata entry of a kept summary that holds the ids of its memories."""

MOST_MEMORIES = 100
ANSWER_TOKENS = 800
SUMMARY_TOKENS = 400

_MOST_SENTENCES = 200
_ANSWER_SENTENCES = 3
_LEAST_OF_BEST = 0.6
_OVERHEAD_TOKENS = 400


class DigestMode(StrEnum):
    """Who wrote a text: a chat model, or nobody: it is made of the memories' own sentences."""

    GENERATED = "generated"
    EXTRACTIVE = "extractive"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerQuery:
    """A question. `limit` is from how many memories it is answered at most, `min_score` below which score none counts
    (left out, recall's own floor). `header` and `footer` are wishes of whoever asks, for the chat model."""

    question: str
    filter: Filter = ()
    limit: int = 15
    min_score: float | None = None
    as_of: datetime | None = None
    header: str | None = None
    footer: str | None = None
    temperature: float | None = None
    max_tokens: int = ANSWER_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer. `citations` are the memories its text names, `sources` all it could be made from. One that was
    `refused` says that no memory answers. `trouble` says why a chat model that is there did not write it."""

    text: str
    mode: DigestMode
    refused: bool = False
    citations: tuple[str, ...] = ()
    sources: tuple[Hit, ...] = ()
    model: str | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The next part of an answer that comes in parts."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryQuery:
    """What to summarise: these `ids`, or the newest `limit` of what matches. With `keep` the summary is kept as a
    memory of `project`, of this kind, with this title and metadata, which names the memories it was made of if
    `linked`."""

    ids: tuple[str, ...] | None = None
    filter: Filter = ()
    limit: int = 50
    max_tokens: int = SUMMARY_TOKENS
    keep: Draft | None = None
    linked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A summary and the memories it was made from, oldest first; `kept` is the memory it was kept as."""

    text: str
    mode: DigestMode
    citations: tuple[str, ...] = ()
    memories: tuple[Memory, ...] = ()
    kept: Memory | None = None
    model: str | None = None
    trouble: str | None = None


class Digest:
    """Answers and summarises. Without a chat model, or while it cannot be reached, by quoting."""

    def __init__(
        self, memories: Memories, recall: Recall, embedder: Embedder, extractor: Extractor, chat: Chat | None
    ) -> None:
        self._memories = memories
        self._recall = recall
        self._embedder = embedder
        self._extractor = extractor
        self._chat = chat

    @property
    def model(self) -> str | None:
        """The name of the chat model, None without one."""
        return None if self._chat is None else self._chat.model

    # --- answers -----------------------------------------------------------------------------

    async def answer(self, scope: Scope, query: AnswerQuery) -> Answer:
        """An answer from memories, or a refusal. Raises InvalidInput, Forbidden."""
        hits = await self._evidence(scope, query)
        if not hits:
            return self._refusal(())
        if self._chat is None:
            return await self._extracted(query, hits)
        try:
            text = await self._chat.complete(await self._request(self._chat, query, hits))
        except ChatUnavailable as error:
            return await self._extracted(query, hits, told(error))
        return self._generated(text, hits, self._chat.model)

    async def stream(self, scope: Scope, query: AnswerQuery) -> AsyncIterator[Part | Answer]:
        """The same in parts as they come, and the whole at the end. A model that breaks off in between leaves what it
        wrote so far, with the reason in `trouble`. Raises as `answer`, before the first part."""
        hits = await self._evidence(scope, query)
        if not hits:
            whole = self._refusal(())
            yield Part(whole.text)
            yield whole
            return
        written: list[str] = []
        trouble = None
        if self._chat is not None:
            citations = Citations([hit.memory.id for hit in hits], [])
            try:
                async for part in _after_refusal(self._chat.stream(await self._request(self._chat, query, hits))):
                    if part == REFUSAL:
                        whole = self._refusal(hits, self._chat.model)
                        yield Part(whole.text)
                        yield whole
                        return
                    if text := citations.feed(part):
                        written.append(text)
                        yield Part(text)
            except ChatUnavailable as error:
                trouble = told(error)
            if rest := citations.finish():
                written.append(rest)
                yield Part(rest)
            if written:
                yield Answer(
                    text="".join(written).strip(),
                    mode=DigestMode.GENERATED,
                    citations=tuple(citations.cited),
                    sources=hits,
                    model=self._chat.model,
                    trouble=trouble,
                )
                return
        whole = await self._extracted(query, hits, trouble)
        yield Part(whole.text)
        yield whole

    async def _evidence(self, scope: Scope, query: AnswerQuery) -> tuple[Hit, ...]:
        check_query(query.question, limit=query.limit, offset=0)
        if not 1 <= query.limit <= MOST_MEMORIES:
            raise InvalidInput(f"limit must be between 1 and {MOST_MEMORIES}", field="limit")
        asked = RecallQuery(
            text=query.question,
            filter=query.filter,
            limit=query.limit,
            min_score=query.min_score,
            as_of=query.as_of,
            profile=DEFAULT_PROFILE,
        )
        return (await self._recall(scope, asked)).hits

    def _refusal(self, hits: tuple[Hit, ...], model: str | None = None) -> Answer:
        mode = DigestMode.EXTRACTIVE if self._chat is None else DigestMode.GENERATED
        return Answer(text=REFUSED, mode=mode, refused=True, sources=hits, model=model)

    def _generated(self, text: str, hits: tuple[Hit, ...], model: str) -> Answer:
        if REFUSAL in text[: 2 * len(REFUSAL)]:
            return self._refusal(hits, model)
        named, cited = with_citations(text.strip(), [hit.memory.id for hit in hits])
        return Answer(text=named, mode=DigestMode.GENERATED, citations=cited, sources=hits, model=model)

    async def _request(self, chat: Chat, query: AnswerQuery, hits: Sequence[Hit]) -> ChatRequest:
        wishes = [text for text in (query.header, query.footer) if text]
        taken = await asyncio.to_thread(self._tokens, [query.question, *wishes])
        lines = await self._lines([hit.memory for hit in hits], chat.context_tokens - query.max_tokens - taken)
        said = [query.header, to_block(lines), f"Question: {query.question}", query.footer]
        return ChatRequest(
            messages=(
                ChatMessage(Speaker.SYSTEM, ANSWER),
                ChatMessage(Speaker.USER, "\n\n".join(part for part in said if part)),
            ),
            max_tokens=query.max_tokens,
            temperature=query.temperature,
        )

    async def _extracted(self, query: AnswerQuery, hits: tuple[Hit, ...], trouble: str | None = None) -> Answer:
        sentences = [Sentence(hit.memory, text, hit.score) for hit in hits for text in pieces(hit.memory)]
        sentences = sentences[:_MOST_SENTENCES]
        chosen = await self._extractor.choose(
            [sentence.text for sentence in sentences],
            query=query.question,
            most=_ANSWER_SENTENCES,
            worth=[sentence.worth for sentence in sentences],
        )
        kept = [one for one in chosen if one.relevance >= _LEAST_OF_BEST * chosen[0].relevance]
        return Answer(
            text="\n".join(sentences[one.index].cited for one in kept),
            mode=DigestMode.EXTRACTIVE,
            citations=tuple(dict.fromkeys(sentences[one.index].memory.id for one in kept)),
            sources=hits,
            trouble=trouble,
        )

    # --- summaries ---------------------------------------------------------------------------

    async def summarize(self, scope: Scope, query: SummaryQuery) -> Summary:
        """A summary; of nothing it is empty, and nothing is kept. Raises NotFound (an id), InvalidInput, Forbidden."""
        require(scope, Permission.WRITE if query.keep is not None else Permission.READ)
        memories = await self._chosen(scope, query)
        if not memories:
            mode = DigestMode.EXTRACTIVE if self._chat is None else DigestMode.GENERATED
            return Summary(text="", mode=mode)
        summary = await self._summary(query, memories)
        if query.keep is None:
            return summary
        metadata = {**query.keep.metadata, "mode": summary.mode.value}
        if query.linked:
            metadata[SUMMARIZES] = [memory.id for memory in memories]
        tags = tuple(dict.fromkeys((*query.keep.tags, SUMMARY_KIND, GENERATED_TAG)))
        draft = replace(query.keep, content=summary.text, tags=tags, metadata=metadata)
        return replace(summary, kept=(await self._memories.add(scope, draft)).memory)

    async def _chosen(self, scope: Scope, query: SummaryQuery) -> list[Memory]:
        if query.ids is not None:
            found = [await self._memories.get(scope, memory_id) for memory_id in dict.fromkeys(query.ids)]
        else:
            if not 1 <= query.limit <= MOST_MEMORIES:
                raise InvalidInput(f"limit must be between 1 and {MOST_MEMORIES}", field="limit")
            filter: Filter = (*query.filter, Superseded(False), Not(TagsAny(frozenset({GENERATED_TAG}))))
            found = list((await self._memories.find(scope, filter, limit=query.limit)).items)
        if len(found) > MOST_MEMORIES:
            raise InvalidInput(f"at most {MOST_MEMORIES} memories can be summarised at once", field="ids")
        return sorted(found, key=lambda memory: (memory.occurred_at or memory.created_at, memory.id))

    async def _summary(self, query: SummaryQuery, memories: list[Memory]) -> Summary:
        trouble = None
        if self._chat is not None:
            lines = await self._lines(memories, self._chat.context_tokens - query.max_tokens)
            wanted = f"Summarise them in at most {max(20, query.max_tokens * 3 // 4)} words."
            request = ChatRequest(
                messages=(
                    ChatMessage(Speaker.SYSTEM, SUMMARY),
                    ChatMessage(Speaker.USER, f"{to_block(lines)}\n\n{wanted}"),
                ),
                max_tokens=query.max_tokens + _OVERHEAD_TOKENS,
            )
            try:
                text = await self._chat.complete(request)
                named, cited = with_citations(text.strip(), [memory.id for memory in memories])
                return Summary(
                    text=named,
                    mode=DigestMode.GENERATED,
                    citations=cited,
                    memories=tuple(memories),
                    model=self._chat.model,
                )
            except ChatUnavailable as error:
                trouble = told(error)
        return await self._quoted(query, memories, trouble)

    async def _quoted(self, query: SummaryQuery, memories: list[Memory], trouble: str | None) -> Summary:
        # The newest and the most important have their say first, should there be too many sentences.
        order = sorted(range(len(memories)), key=lambda place: (-memories[place].importance, -place))
        sentences = [
            Sentence(memories[place], text, worth(memories[place], text), place)
            for place in order
            for text in pieces(memories[place])
        ][:_MOST_SENTENCES]
        texts = [sentence.text for sentence in sentences]
        chosen = await self._extractor.choose(
            texts, query=None, most=len(texts), worth=[sentence.worth for sentence in sentences]
        )
        kept: list[Sentence] = []
        left = query.max_tokens
        best = max(one.relevance for one in chosen)
        for one in chosen:
            tokens = self._embedder.count_tokens(texts[one.index])
            if kept and (tokens > left or one.relevance < _LEAST_OF_BEST * best):
                continue
            kept.append(sentences[one.index])
            left -= tokens
        kept.sort(key=lambda sentence: (sentence.place, texts.index(sentence.text)))
        return Summary(
            text="\n".join(f"- {sentence.cited}" for sentence in kept),
            mode=DigestMode.EXTRACTIVE,
            citations=tuple(dict.fromkeys(sentence.memory.id for sentence in kept)),
            memories=tuple(memories),
            trouble=trouble,
        )

    # --- what a model is given ---------------------------------------------------------------

    async def _lines(self, memories: Sequence[Memory], budget: int) -> list[str]:
        return await asyncio.to_thread(to_lines, memories, budget - _OVERHEAD_TOKENS, self._embedder.count_tokens)

    def _tokens(self, texts: Sequence[str]) -> int:
        return sum(self._embedder.count_tokens(text) for text in texts)


def told(error: ChatUnavailable) -> str:
    """The error as a sentence, which the operator finds in the log."""
    _logger.warning("a chat model did not answer: %s", error)
    return str(error)


async def _after_refusal(parts: AsyncIterator[str]) -> AsyncIterator[str]:
    # The parts, or the refusal alone: it is only known for one when so many characters have come.
    held = ""
    decided = False
    async for part in parts:
        if decided:
            yield part
            continue
        held += part
        start = held.lstrip()
        if start.startswith(REFUSAL):
            yield REFUSAL
            return
        if not REFUSAL.startswith(start):
            decided = True
            yield held
    if not decided and held:
        yield held
