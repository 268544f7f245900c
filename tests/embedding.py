"""A small server on a real socket that speaks OpenAI's embeddings wire, and answers as a test wants it to."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]


class EmbeddingServer:
    """`answer` makes the answer to a request's JSON; `requests` keeps what came: path, headers, JSON."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.answer: Callable[[Any], Answer] = lambda request: (500, {}, b"not set up")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def respond(self, headers: dict[str, str], body: Any) -> Answer:
        """The answer to a request, by its JSON alone."""
        return self.answer(body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.requests.append((self.path, dict(self.headers), body))
                status, headers, content = outer.respond(dict(self.headers), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def vectors_for(request: Any) -> Answer:
    """The answer of a server that works: a vector for each text, by its length."""
    data = [{"index": index, "embedding": [len(text), 1.0, 1.0]} for index, text in enumerate(request["input"])]
    return 200, {}, json.dumps({"data": data}).encode()
