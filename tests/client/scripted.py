"""A real HTTP server that answers from a script, for what a healthy server never does."""

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer. `cut` closes the connection instead: "before" anything, or "amid" the body."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: str | None = None

    @classmethod
    def problem(cls, status: int, detail: str, **headers: str) -> Self:
        body = {"type": "about:blank", "title": "A title", "status": status, "detail": detail}
        return cls(status, body, {"content-type": "application/problem+json", **headers})


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Script:
    """Answers still to be given, in order, and the requests that came."""

    url: str
    answers: deque[Answer] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def scripted() -> Iterator[Script]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.seen.append(Seen(self.command, self.path, headers, self.read_body(headers)))
            answer = script.answers.popleft()
            self.close_connection = answer.cut is not None
            if answer.cut == "before":
                return
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(body) + (1 if answer.cut else 0)))
            self.end_headers()
            self.wfile.write(body)

        def read_body(self, headers: Mapping[str, str]) -> bytes:
            if headers.get("transfer-encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body
            return self.rfile.read(int(headers.get("content-length", 0)))

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the names http.server calls

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script = Script(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
