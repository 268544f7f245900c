"""The dashboard of another worker: its pages hold state in the process that draws them, so all go through one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import httpx2
from starlette.types import Message, Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

_OF_ONE_CONNECTION = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
_OF_ONE_HANDSHAKE = frozenset({b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions"})
_ANSWER_SECONDS = 60.0

_UNAVAILABLE = (503, [(b"retry-after", b"2"), (b"content-type", b"text/plain; charset=utf-8")])


class ForwardedDashboard:
    """An ASGI application for the paths a dashboard `owns`, answered by the process that listens at a Unix socket."""

    def __init__(self, owns: Callable[[str], bool], socket: Path) -> None:
        self.owns = owns
        self._socket = str(socket)
        self._client: httpx2.AsyncClient | None = None

    async def open(self) -> None:
        """Does nothing: the other process loads its pages itself."""

    async def close(self) -> None:
        """End all connections to the other process."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or connection."""
        if scope["type"] == "websocket":
            await self._forward_socket(scope, receive, send)
        else:
            await self._forward_request(scope, receive, send)

    # --- requests ----------------------------------------------------------------------------

    async def _forward_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._client is None:
            transport = httpx2.AsyncHTTPTransport(uds=self._socket)
            self._client = httpx2.AsyncClient(transport=transport, timeout=_ANSWER_SECONDS, trust_env=False)
        has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
        request = self._client.build_request(
            scope["method"],
            f"http://dashboard{_target(scope)}",
            headers=_forwarded_headers(scope, _OF_ONE_CONNECTION),
            content=_body(receive) if has_body else None,
        )
        started = False
        try:
            answer = await self._client.send(request, stream=True)
            try:
                headers = [(n.lower(), v) for n, v in answer.headers.raw if n.lower() not in _OF_ONE_CONNECTION]
                await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
                started = True
                async for chunk in answer.aiter_raw():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
            finally:
                await answer.aclose()
        except httpx2.TransportError:
            if started:
                raise
            status, headers = _UNAVAILABLE
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b"The dashboard is being started; try again"})

    # --- connections that stay open ----------------------------------------------------------

    async def _forward_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        headers = _forwarded_headers(scope, _OF_ONE_CONNECTION | _OF_ONE_HANDSHAKE | {b"host"})
        host = dict(scope["headers"]).get(b"host", b"dashboard").decode("latin-1")
        try:
            there = await unix_connect(
                self._socket,
                uri=f"ws://{host}{_target(scope)}",
                additional_headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers],
                compression=None,
                max_size=None,
                proxy=None,
                user_agent_header=None,
            )
        except (OSError, InvalidHandshake, InvalidStatus, TimeoutError):
            await send({"type": "websocket.close", "code": 1013})
            return
        await send({"type": "websocket.accept", "subprotocol": there.subprotocol})
        downwards = asyncio.create_task(_downwards(there, send))
        try:
            await _upwards(there, receive)
        finally:
            await there.close()
            with suppress(ConnectionClosed):
                await downwards


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if chunk := message.get("body"):
            yield chunk
        more = message.get("more_body", False)


async def _upwards(there: ClientConnection, receive: Receive) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        text: str | None = message.get("text")
        with suppress(ConnectionClosed):
            await there.send(message["bytes"] if text is None else text)


async def _downwards(there: ClientConnection, send: Send) -> None:
    try:
        async for received in there:
            kind = "text" if isinstance(received, str) else "bytes"
            await send({"type": "websocket.send", kind: received})
    finally:
        ending: Message = {"type": "websocket.close", "code": 1001}
        with suppress(RuntimeError, OSError):
            await send(ending)


def _target(scope: Scope) -> str:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    return (path + (b"?" + query if query else b"")).decode("latin-1")


def _forwarded_headers(scope: Scope, but: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    client = scope.get("client")
    secure = scope["scheme"] in ("https", "wss")
    ours = [
        (b"x-forwarded-proto", b"https" if secure else b"http"),
        *([(b"x-forwarded-for", client[0].encode())] if client else []),
    ]
    replaced = {name for name, _ in ours}
    return [(name, value) for name, value in scope["headers"] if name not in but and name not in replaced] + ours
