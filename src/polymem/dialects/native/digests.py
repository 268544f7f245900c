"""Between the native API's JSON and the core's answers, summaries and compression. Pure functions."""

from typing import Any

from polymem.core.digest.compression import Compressed, Passage
from polymem.core.digest.digest import FALLBACK, Answer, AnswerQuery, Summary, SummaryQuery
from polymem.core.errors import InvalidInput
from polymem.core.filters import Filter
from polymem.core.model import Draft
from polymem.dialects.native import mapping
from polymem.dialects.native.wire import digest as wire

SUMMARY_KIND = "summary"


def to_answer_query(body: wire.AnswerRequest, filter: Filter) -> AnswerQuery:
    """The core's question."""
    return AnswerQuery(
        question=body.question,
        filter=filter,
        limit=body.limit,
        min_score=body.min_score,
        as_of=body.as_of,
        header=body.instructions,
        temperature=body.temperature,
        max_tokens=body.max_tokens,
    )


def from_answer(answer: Answer, took_ms: float) -> dict[str, Any]:
    """An answer."""
    return {
        "answer": answer.text,
        "mode": answer.mode.value,
        "refused": answer.refused,
        "model": answer.model,
        "citations": list(answer.citations),
        "sources": [{"memory": mapping.from_memory(hit.memory), "score": hit.score} for hit in answer.sources],
        "notice": _notice(answer.trouble),
        "took_ms": took_ms,
    }


def to_summary_query(body: wire.SummarizeRequest, filter: Filter) -> SummaryQuery:
    """What the core is to summarise."""
    draft = Draft(content="-", kind=SUMMARY_KIND, project=body.keep_in or body.project or None, title=body.title)
    return SummaryQuery(
        ids=None if body.ids is None else tuple(body.ids),
        filter=filter,
        limit=body.limit,
        max_tokens=body.max_tokens,
        keep=draft if body.keep else None,
    )


def from_summary(summary: Summary) -> dict[str, Any]:
    """A summary."""
    return {
        "summary": summary.text,
        "mode": summary.mode.value,
        "model": summary.model,
        "citations": list(summary.citations),
        "memory_ids": [memory.id for memory in summary.memories],
        "kept": None if summary.kept is None else mapping.from_memory(summary.kept),
        "notice": _notice(summary.trouble),
    }


def to_passages(body: wire.CompressRequest) -> list[Passage] | None:
    """What is to be compressed; None where it is memories. Raises InvalidInput."""
    given = [name for name in ("text", "messages", "memory_ids") if getattr(body, name) is not None]
    if len(given) != 1:
        raise InvalidInput("Give one of text, messages and memory_ids", field="text")
    if body.memory_ids is not None:
        return None
    if body.text is not None:
        return [Passage(body.text)]
    return [Passage(message.content, message.role) for message in body.messages or ()]


def from_compressed(compressed: Compressed) -> dict[str, Any]:
    """What is left."""
    return {
        "text": compressed.text,
        "mode": compressed.mode.value,
        "model": compressed.model,
        "original_tokens": compressed.original_tokens,
        "tokens": compressed.tokens,
        "notice": _notice(compressed.trouble),
    }


def _notice(trouble: str | None) -> str | None:
    # What exactly went wrong names the server's own surroundings: that is for its log.
    return None if trouble is None else FALLBACK
