"""The operations that make a text of memories; see `operations`."""

from typing import Unpack
from urllib.parse import quote

from polymem.client.calls import Call
from polymem.client.decoding import one
from polymem.client.inputs import Filters, When
from polymem.client.models import Answer, ContextDocument


def answer(
    question: str,
    *,
    limit: int = 15,
    as_of: When | None = None,
    instructions: str | None = None,
    **filters: Unpack[Filters],
) -> Call[Answer]:
    """An answer from memories, which names those it comes from, or a refusal where none answers.

    `instructions` are a wish for the server's chat model, if it has one. Raises InvalidInput.
    """
    asked = {**filters, "question": question, "limit": limit, "as_of": as_of, "instructions": instructions}
    body = {name: value for name, value in asked.items() if value is not None}
    return Call(method="POST", path="/v1/answer", parse=one(Answer), body=body, repeatable=True)


def context(
    project: str, *, max_tokens: int = 8000, query: str | None = None, since: When | None = None, snippets: bool = False
) -> Call[ContextDocument]:
    """What a model should know of a project when a conversation starts. Raises NotFound."""
    path = f"/v1/projects/{quote(project, safe='')}/context"
    query_of = {"max_tokens": max_tokens, "query": query, "since": since, "snippets": snippets}
    return Call(method="GET", path=path, parse=one(ContextDocument), query=query_of, repeatable=True)
