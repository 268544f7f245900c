"""A small server on a real socket that speaks OpenAI's chat wire, and says what a test wants it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving import PATIENCE


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers: a status, headers, a body in parts, each sent at once. `hangs` sends no more after
    them until the test is over; `cut` closes the connection without the end that was promised."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    parts: tuple[bytes, ...] = ()
    hangs: bool = False
    cut: bool = False


def said(text: str) -> Reply:
    """An answer as one document."""
    message = {"role": "assistant", "content": text}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "a-model",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    return Reply(headers={"Content-Type": "application/json"}, parts=(json.dumps(body).encode(),))


def streamed(*texts: str, **more: Any) -> Reply:
    """An answer in parts."""
    parts = []
    for text in texts:
        chunk = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "a-model",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
        }
        parts.append(f"data: {json.dumps(chunk)}\n\n".encode())
    end = () if more else (b"data: [DONE]\n\n",)
    return Reply(headers={"Content-Type": "text/event-stream"}, parts=(*parts, *end), **more)


def failing(status: int, message: str = "it failed", **headers: str) -> Reply:
    """An error as OpenAI words it. No pause is asked for before the next attempt."""
    body = json.dumps({"error": {"message": message, "type": "some_error", "code": None}}).encode()
    return Reply(status, {"Content-Type": "application/json", "Retry-After-Ms": "1", **headers}, (body,))


def garbage(body: bytes, content_type: str = "application/json") -> Reply:
    """Any bytes."""
    return Reply(headers={"Content-Type": content_type}, parts=(body,))


Behaviour = Callable[[dict[str, Any]], Reply]


@dataclass(slots=True)
class ChatServer:
    """The server: its address, what it answers next, and the requests so far (headers in lower case)."""

    url: str
    behaviour: Behaviour
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def says(self, *replies: Reply) -> None:
        """Answers with these, one after the other, and with the last one from then on."""
        waiting = list(replies)
        self.behaviour = lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]

    @property
    def asked(self) -> dict[str, Any]:
        """The last request."""
        return self.requests[-1][1]

    @property
    def system(self) -> str:
        """What the last request said as the system."""
        return "\n".join(m["content"] for m in self.asked["messages"] if m["role"] == "system")

    @property
    def user(self) -> str:
        """What the last request said as the user."""
        return "\n".join(m["content"] for m in self.asked["messages"] if m["role"] == "user")


@contextmanager
def chatting() -> Iterator[ChatServer]:
    """Such a server, until the block ends."""
    server = ChatServer("", lambda _: said("Nothing."))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            if self.path != "/v1/chat/completions":
                self.send_error(404)
                return
            reply = server.behaviour(body)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            whole = sum(len(part) for part in reply.parts)
            open_end = reply.hangs or reply.cut
            self.send_header("Content-Length", str(whole + 1000 if open_end else whole))
            self.end_headers()
            for part in reply.parts:
                self.wfile.write(part)
                self.wfile.flush()
            if reply.hangs:
                server.over.wait(PATIENCE)
            self.close_connection = open_end

        def log_message(self, *_: object) -> None:
            """Tests say enough."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        http.shutdown()
        http.server_close()
        thread.join()
