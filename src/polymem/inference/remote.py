"""The embedder over any server with OpenAI's `/embeddings` call: OpenAI, Ollama, vLLM, TEI, llama.cpp, LM Studio.

Request and answer are those of https://platform.openai.com/docs/api-reference/embeddings.
"""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import numpy.typing as npt

from polymem.core.errors import EmbeddingUnavailable
from polymem.core.ports import Embedding, EmbeddingModel, QueryEmbedding
from polymem.inference.gather import gather_or_cancel
from polymem.inference.queries import QueryCache
from polymem.inference.records import recall_model, record_model
from polymem.inference.vectors import unit_rows
from polymem.inference.windows import passages, well_formed

BATCH_TEXTS = 64
CONCURRENT_BATCHES = 4

PASSAGE_BYTES = 1500
"""Longest text sent, in UTF-8: some 400 tokens, for models that read 512. Longer ones go as several."""

OVERLAP_BYTES = 150

MAX_QUERY_PASSAGES = 8
RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
LONGEST_PAUSE = 30.0
LONGEST_CONNECT = 5.0
SHOWN_CHARACTERS = 200
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try: seconds for one attempt, how many attempts, seconds before the second.

    Each further pause is twice as long, with jitter; a Retry-After header is obeyed up to 30 s.
    """

    timeout: float
    attempts: int
    pause: float


FOR_QUERIES = Patience(timeout=15.0, attempts=2, pause=0.2)
FOR_DOCUMENTS = Patience(timeout=120.0, attempts=5, pause=0.5)


class RemoteEmbedder:
    """Implements `ports.Embedder` over HTTP.

    `url` is the API's base ("http://localhost:11434/v1") or the embeddings call itself. The number of
    dimensions is learnt from the first answer and recorded in `cache_dir`; until something is known,
    `model.dimensions` is 0. `api_key` is sent as a bearer token, and appears in no log and no error.
    """

    def __init__(
        self,
        url: str,
        model: str,
        api_key: str | None,
        cache_dir: Path,
        *,
        for_queries: Patience = FOR_QUERIES,
        for_documents: Patience = FOR_DOCUMENTS,
    ) -> None:
        self._url = _embeddings_url(url)
        shown_url = str(self._url.copy_with(username=None, password=None, query=None))
        self._server = f"The embedding server at {shown_url}"
        self._api_key = api_key
        self._cache_dir = cache_dir
        self._record_key = f"{shown_url} {model}"
        self._model = recall_model(cache_dir, self._record_key) or EmbeddingModel(model, 0)
        self._answered = False
        self._for_queries = for_queries
        self._for_documents = for_documents
        self._client: httpx2.AsyncClient | None = None
        self._closed = False
        self._batches = asyncio.Semaphore(CONCURRENT_BATCHES)
        self._queries = QueryCache(self._embed_new_query)

    @property
    def model(self) -> EmbeddingModel:
        """The vector space; its dimensions are certain once the server has answered."""
        return self._model

    async def warm(self) -> None:
        """Asks the server once, to learn the number of dimensions. Raises EmbeddingUnavailable."""
        await self.embed_query("dimensions")

    async def embed_query(self, text: str) -> bytes:
        """One row for a query; a recent query's row is remembered."""
        return await self._queries.get(well_formed(text))

    async def read_query(self, text: str) -> QueryEmbedding:
        """The same; there are no vectors of its tokens."""
        return QueryEmbedding(await self.embed_query(text))

    async def embed_documents(self, texts: Sequence[str]) -> list[Embedding]:
        """One embedding for each text, in order; a long text has a row for each of its passages."""
        by_text = [passages(well_formed(text), PASSAGE_BYTES, OVERLAP_BYTES) for text in texts]
        flat = [passage for some in by_text for passage in some]
        starts = range(0, len(flat), BATCH_TEXTS)
        batches = await gather_or_cancel(self._embed_batch(flat[start : start + BATCH_TEXTS]) for start in starts)
        rows = (row for batch in batches for row in batch)
        return [Embedding(b"".join(next(rows).tobytes() for _ in some), len(some)) for some in by_text]

    def count_tokens(self, text: str) -> int:
        """An estimate, four bytes to a token: the server's tokenizer is out of reach."""
        return -(-len(well_formed(text).encode()) // 4)

    async def close(self) -> None:
        """Closes the connections. Later calls raise EmbeddingUnavailable."""
        self._closed = True
        if self._client is not None:
            await self._client.aclose()

    async def _embed_new_query(self, text: str) -> bytes:
        parts = passages(text, PASSAGE_BYTES, OVERLAP_BYTES, MAX_QUERY_PASSAGES)
        rows = await self._ask(parts, self._for_queries)
        return (rows if len(rows) == 1 else unit_rows(rows.mean(axis=0, keepdims=True))).tobytes()

    async def _embed_batch(self, texts: list[str]) -> npt.NDArray[np.float32]:
        async with self._batches:
            return await self._ask(texts, self._for_documents)

    async def _ask(self, texts: list[str], patience: Patience) -> npt.NDArray[np.float32]:
        """Unit rows of the texts, in order, however many attempts that takes."""
        # Most servers refuse a text of nothing.
        body = {"model": self._model.name, "input": [text if text.strip() else "." for text in texts]}
        attempt = 1
        while True:
            try:
                content = await self._post(body, patience.timeout)
                break
            except _Passing as trouble:
                if attempt == patience.attempts:
                    raise EmbeddingUnavailable(f"{trouble} after {attempt} attempts.") from trouble
                pause = patience.pause * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # jitter parts a crowd
                await asyncio.sleep(min(LONGEST_PAUSE, max(pause, trouble.retry_after)))
                attempt += 1
        try:
            # Reading 64 rows takes milliseconds, which the event loop should not lose.
            rows = await asyncio.to_thread(_read_rows, content, len(texts))
        except (ValueError, RecursionError) as error:
            raise EmbeddingUnavailable(f"{self._server} gave an answer that cannot be used: {error}.") from error
        self._learn(rows.shape[1])
        return rows

    async def _post(self, body: dict[str, Any], timeout: float) -> bytes:
        """The body of a successful answer. Raises _Passing for what may be different next time."""
        if self._closed:
            raise EmbeddingUnavailable("The embedder is closed.")
        if self._client is None:
            headers = {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}
            self._client = httpx2.AsyncClient(headers=headers)
        try:
            async with asyncio.timeout(timeout):
                response = await self._client.post(
                    self._url, json=body, timeout=httpx2.Timeout(timeout, connect=min(timeout, LONGEST_CONNECT))
                )
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise _Passing(f"{self._server} did not answer within {timeout:g} seconds") from error
        except httpx2.RequestError as error:
            raise _Passing(f"{self._server} cannot be reached ({self._redacted(str(error))})") from error
        if response.status_code == httpx2.codes.OK:
            return response.content
        said = self._redacted(_error_message(response.content))
        sentence = f"{self._server} answered {response.status_code}" + (f" ({said})" if said else "")
        if response.status_code in RETRIED_STATUSES:
            raise _Passing(sentence, _retry_after(response))
        raise EmbeddingUnavailable(sentence + ".")

    def _learn(self, dimensions: int) -> None:
        """Holds every answer to the dimensions of the first; a new process may find a new model behind a name."""
        if self._model.dimensions != dimensions:
            if self._answered:
                raise EmbeddingUnavailable(
                    f"{self._server} gave vectors of {dimensions} numbers, and of {self._model.dimensions} before."
                )
            self._model = EmbeddingModel(self._model.name, dimensions)
            record_model(self._cache_dir, self._record_key, self._model)
        self._answered = True

    def _redacted(self, text: str) -> str:
        return text.replace(self._api_key, "***") if self._api_key else text


class _Passing(Exception):
    """A trouble that may pass. `retry_after` is how many seconds the server asked for."""

    def __init__(self, sentence: str, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


def _embeddings_url(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise EmbeddingUnavailable(f"The URL of the embedding server is not one: {error}.") from error
    if not parsed.host or (parsed.port or 0) > HIGHEST_PORT:
        raise EmbeddingUnavailable("The URL of the embedding server names no host and port.")
    path = parsed.path.rstrip("/")
    return parsed if path.endswith("/embeddings") else parsed.copy_with(path=f"{path}/embeddings")


def _retry_after(response: httpx2.Response) -> float:
    """Seconds from a Retry-After header; its other form, a date, is not worth the reading."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else 0.0


def _error_message(content: bytes) -> str:
    """What a server says went wrong, cut short: OpenAI's {"error": {"message"}}, its relatives, or plain text."""
    said: Any = content.decode(errors="replace")
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        said = answer.get("error") or answer.get("message") or answer.get("detail") or said
        if isinstance(said, dict):
            said = said.get("message") or said
    return " ".join(str(said).split())[:SHOWN_CHARACTERS]


def _read_rows(content: bytes, count: int) -> npt.NDArray[np.float32]:
    """The unit rows of an answer to `count` texts, by their index. Raises ValueError for anything else."""
    answer = json.loads(content)
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise ValueError("it has no list of data")
    if len(data) != count:
        raise ValueError(f"it has {len(data)} vectors for {count} texts")
    indexes = [item.get("index", position) for position, item in enumerate(data)]
    if not all(type(index) is int for index in indexes) or sorted(indexes) != list(range(count)):
        raise ValueError("its indexes are not those of the texts")
    ordered = [item.get("embedding") for _, item in sorted(zip(indexes, data, strict=True), key=lambda pair: pair[0])]
    try:
        rows = np.array(ordered, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError("its vectors are not equally long lists of numbers") from error
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError("its vectors are not equally long lists of numbers")
    return unit_rows(rows)
