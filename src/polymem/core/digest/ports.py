"""What the core needs to write texts from memories: a chat model, or at least something that chooses sentences."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Speaker(StrEnum):
    """Who says a message of a chat."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a chat."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What a chat model is to go on with, in at most `max_tokens` tokens. `temperature` None is the model's own."""

    messages: tuple[ChatMessage, ...]
    max_tokens: int
    temperature: float | None = None


class Chat(Protocol):
    """A chat model."""

    @property
    def model(self) -> str:
        """Its name, for answers and records."""
        ...

    @property
    def context_tokens(self) -> int:
        """How many tokens a request and its answer may have together."""
        ...

    async def complete(self, request: ChatRequest) -> str:
        """The answer, which says something. Raises ChatUnavailable."""
        ...

    def stream(self, request: ChatRequest) -> AsyncIterator[str]:
        """The answer in parts as they come. Raises ChatUnavailable, before the first part or in between."""
        ...

    async def close(self) -> None:
        """Let go of sockets."""
        ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """A sentence that was chosen: its place among those given, and how relevant it is, 0 to 1."""

    index: int
    relevance: float


class Extractor(Protocol):
    """Chooses sentences where no chat model writes any."""

    async def choose(
        self, sentences: Sequence[str], *, query: str | None, most: int, worth: Sequence[float] | None = None
    ) -> list[Chosen]:
        """At most so many sentences, best first: relevant to the query (or, without one, to the whole), and each
        saying something else. `worth` is what is known of each beforehand, 0 to 1.
        """
        ...
