"""A chat model behind any server with OpenAI's `/chat/completions` call: OpenAI, Ollama, vLLM, llama.cpp, LM Studio.

Request and answer are those of https://platform.openai.com/docs/api-reference/chat. Answers may be late, broken off or
nonsense; all of that is one error, ChatUnavailable, after what may pass has been tried again.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from polymem.core.digest.ports import ChatRequest
from polymem.core.errors import ChatUnavailable

if TYPE_CHECKING:
    import openai

RETRIES = 2
"""How often what may pass (no connection, 408, 409, 429, 5xx) is tried again, with growing pauses."""

SHOWN_CHARACTERS = 200
LONGEST_ANSWER = 200_000
"""Characters after which an answer is taken for nonsense."""

_THOUGHT = re.compile(r"^\s*<think(?:ing)?>.*?</think(?:ing)?>\s*", re.DOTALL)
_OPEN_THOUGHT = re.compile(r"^\s*<think(?:ing)?>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ChatSpec:
    """Which chat model is wanted: the API's base ("http://localhost:11434/v1"), the model's name, a credential.

    `timeout` is how many seconds a whole answer, or the next part of one, may take. `context_tokens` is how many tokens
    a request and its answer may have.
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 60.0
    context_tokens: int = 8192


class OpenAiChat:
    """Implements `ports_chat.Chat`. The client is imported and made when the first request comes."""

    def __init__(self, spec: ChatSpec) -> None:
        self._spec = spec
        self._client: openai.AsyncOpenAI | None = None
        self._renamed = False
        self._opening = asyncio.Lock()

    @property
    def model(self) -> str:
        """The model's name."""
        return self._spec.model

    @property
    def context_tokens(self) -> int:
        """How many tokens a request and its answer may have."""
        return self._spec.context_tokens

    async def complete(self, request: ChatRequest) -> str:
        """The answer. Raises ChatUnavailable."""
        client = await self._open()
        try:
            async with asyncio.timeout(self._spec.timeout):
                answer = await self._asked(client, request, stream=False)
        except TimeoutError:
            raise self._late() from None
        text = _text_of(answer)
        if text is None:
            raise ChatUnavailable(f"{self._server} gave an answer that cannot be used.")
        text = _THOUGHT.sub("", text).strip()
        if not text or len(text) > LONGEST_ANSWER:
            raise ChatUnavailable(f"{self._server} gave an answer that says nothing.")
        return text

    async def stream(self, request: ChatRequest) -> AsyncIterator[str]:
        """The answer in parts. Raises ChatUnavailable."""
        client = await self._open()
        try:
            async with asyncio.timeout(self._spec.timeout):
                parts = await self._asked(client, request, stream=True)
        except TimeoutError:
            raise self._late() from None
        thought = _WithoutThought()
        length = 0
        try:
            async for text in self._parts(parts):
                length += len(text)
                if length > LONGEST_ANSWER:
                    raise ChatUnavailable(f"{self._server} does not come to an end.")
                if said := thought.feed(text):
                    yield said
            if said := thought.finish():
                yield said
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                await close()
        if not length:
            raise ChatUnavailable(f"{self._server} gave an answer that says nothing.")

    async def close(self) -> None:
        """Closes the client's connections."""
        if self._client is not None:
            await self._client.close()

    @property
    def _server(self) -> str:
        return f"The chat model at {_without_credentials(self._spec.base_url)}"

    def _late(self) -> ChatUnavailable:
        return ChatUnavailable(f"{self._server} did not answer within {self._spec.timeout:g} seconds.")

    async def _open(self) -> "openai.AsyncOpenAI":
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    self._client = await asyncio.to_thread(_make_client, self._spec)
        return self._client

    async def _asked(self, client: "openai.AsyncOpenAI", request: ChatRequest, *, stream: bool) -> Any:
        try:
            return await self._create(client, request, stream=stream)
        except _openai().BadRequestError as error:
            # Newer models know the limit under its newer name only.
            if self._renamed or "max_completion_tokens" not in str(error):
                raise self._trouble(error) from error
            self._renamed = True
        except (_openai().OpenAIError, ValueError, RecursionError) as error:
            raise self._trouble(error) from error
        try:
            return await self._create(client, request, stream=stream)
        except (_openai().OpenAIError, ValueError, RecursionError) as error:
            raise self._trouble(error) from error

    async def _create(self, client: "openai.AsyncOpenAI", request: ChatRequest, *, stream: bool) -> Any:
        limit = "max_completion_tokens" if self._renamed else "max_tokens"
        options: dict[str, Any] = {limit: request.max_tokens}
        if request.temperature is not None:
            options["temperature"] = request.temperature
        messages: Any = [{"role": one.speaker.value, "content": one.text} for one in request.messages]
        return await client.chat.completions.create(model=self._spec.model, messages=messages, stream=stream, **options)

    async def _parts(self, parts: Any) -> AsyncIterator[str]:
        iterator = aiter(parts)
        while True:
            try:
                async with asyncio.timeout(self._spec.timeout):
                    part = await anext(iterator)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise self._late() from None
            except Exception as error:
                # Whatever the bytes of a broken stream make the client raise.
                raise self._trouble(error) from error
            text = _delta_of(part)
            if text:
                yield text

    def _trouble(self, error: Exception) -> ChatUnavailable:
        status = getattr(error, "status_code", None)
        said = _said(error)
        if self._spec.api_key:
            said = said.replace(self._spec.api_key, "***")
        if status is not None:
            return ChatUnavailable(f"{self._server} answered {status}" + (f" ({said})." if said else "."))
        if isinstance(error, _openai().APITimeoutError):
            return self._late()
        if isinstance(error, _openai().APIConnectionError):
            return ChatUnavailable(f"{self._server} cannot be reached.")
        return ChatUnavailable(f"{self._server} gave an answer that cannot be used.")


class _WithoutThought:
    """What a model says, without what it thinks aloud before."""

    def __init__(self) -> None:
        self._held: str | None = ""

    def feed(self, part: str) -> str:
        if self._held is None:
            return part
        self._held += part
        rest = _THOUGHT.sub("", self._held)
        thinks = _OPEN_THOUGHT.match(self._held) is not None
        may_think = "<thinking>".startswith(self._held.strip()[:10])
        if rest != self._held:
            self._held = None
            return rest
        if thinks or may_think:
            return ""
        self._held = None
        return rest

    def finish(self) -> str:
        held, self._held = self._held or "", None
        return "" if _OPEN_THOUGHT.match(held) else held


def _openai() -> Any:
    # It takes a second to import, and only who has a chat model needs it.
    import openai

    return openai


def _make_client(spec: ChatSpec) -> "openai.AsyncOpenAI":
    client: openai.AsyncOpenAI = _openai().AsyncOpenAI(
        base_url=spec.base_url,
        # A server of one's own often wants none, and the client insists on one.
        api_key=spec.api_key or "none",
        timeout=spec.timeout,
        max_retries=RETRIES,
    )
    return client


def _without_credentials(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url).partition("?")[0]


def _said(error: Exception) -> str:
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        body = body.get("message") or body.get("error") or json.dumps(body)
    return " ".join(str(body or "").split())[:SHOWN_CHARACTERS]


def _text_of(answer: Any) -> str | None:
    try:
        text = answer.choices[0].message.content
    except (AttributeError, IndexError, TypeError, KeyError):
        return None
    return text if isinstance(text, str) else None


def _delta_of(part: Any) -> str:
    try:
        text = part.choices[0].delta.content
    except (AttributeError, IndexError, TypeError, KeyError):
        return ""
    return text if isinstance(text, str) else ""
