"""The whole way, from a refusal to a tool's answer: the official client, and somebody in a real browser."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp_types import CallToolResult
from playwright.sync_api import Browser, Page, expect
from pydantic import AnyUrl

from tests.oauth.conftest import PASSWORD, Person, ask
from tests.serving import PATIENCE, Server


@dataclass(slots=True)
class Notebook:
    """An application on somebody's machine: it listens for the answer on a port of its own, and keeps its tokens."""

    redirect_uri: str
    addresses: "queue.Queue[str]" = field(default_factory=queue.Queue)
    answers: "queue.Queue[dict[str, str]]" = field(default_factory=queue.Queue)
    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info

    async def send(self, address: str) -> None:
        """Opens the browser."""
        self.addresses.put(address)

    async def receive(self) -> AuthorizationCodeResult:
        """Waits for the answer."""
        answer = await asyncio.to_thread(self.answers.get, timeout=PATIENCE)
        return AuthorizationCodeResult(code=answer["code"], state=answer["state"], iss=answer["iss"])

    async def call(self, url: str, *calls: tuple[str, dict[str, Any]]) -> list[CallToolResult]:
        """Calls tools, and does whatever the server asks for before."""
        auth = OAuthClientProvider(
            url,
            OAuthClientMetadata(client_name="Notebook", redirect_uris=[AnyUrl(self.redirect_uri)]),
            self,
            self.send,
            self.receive,
        )
        async with (
            httpx2.AsyncClient(auth=auth, trust_env=False, timeout=PATIENCE) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return [await client.call_tool(name, arguments) for name, arguments in calls]


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    """Such an application, listening."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/callback?"):
                sent = parse_qs(urlsplit(self.path).query)
                application.answers.put({name: values[0] for name, values in sent.items()})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"You can close this window.")

        def log_message(self, *_: object) -> None:
            """Tests say enough."""

    http = HTTPServer(("127.0.0.1", 0), Handler)
    application = Notebook(f"http://127.0.0.1:{http.server_address[1]}/callback")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield application
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as context, context.new_page() as page:
        yield page


def test_from_a_refusal_to_a_tools_answer(strict: Server, ana: Person, notebook: Notebook, tab: Page) -> None:
    trip = ana.project(strict, "trip")
    calls = ("recall", {"query": "ferry"}), ("remember", {"content": "The ferry leaves at nine"})
    with ThreadPoolExecutor(1) as pool:
        working: Future[list[CallToolResult]] = pool.submit(
            lambda: asyncio.run(notebook.call(f"{strict.url}/mcp", *calls))
        )
        tab.goto(notebook.addresses.get(timeout=PATIENCE))
        expect(tab.get_by_role("heading")).to_have_text("Log in")
        tab.get_by_label("Name or e-mail").fill(ana.email)
        tab.get_by_label("Password").fill(PASSWORD)
        tab.get_by_role("button", name="Log in").click()

        expect(tab.get_by_role("heading")).to_have_text("Let Notebook use your memory?")
        expect(tab.get_by_text(notebook.redirect_uri.split("/")[2])).to_be_visible()
        # At first it may only read; it asks again when it wants to write, and nobody logs in twice.
        tab.get_by_label("Keep, change and delete memories").uncheck()
        tab.get_by_label("Where").select_option(f"project:{trip}")
        tab.get_by_role("button", name="Allow", exact=True).click()
        expect(tab.get_by_text("You can close this window.")).to_be_visible()

        tab.goto(notebook.addresses.get(timeout=PATIENCE))
        expect(tab.get_by_role("heading")).to_have_text("Let Notebook use your memory?")
        tab.get_by_label("Where").select_option(f"project:{trip}")
        tab.get_by_role("button", name="Allow", exact=True).click()
        expect(tab.get_by_text("You can close this window.")).to_be_visible()
        read, written = working.result(PATIENCE)
    assert not read.is_error
    assert not written.is_error
    with strict.client(ana.token) as client:
        (kept,) = client.get("/v1/memories").json()["items"]
        assert (kept["content"], kept["project"]) == ("The ferry leaves at nine", "trip")
        assert client.get("/v1/me/grants").json()["items"][0]["application"] == "Notebook"

    # Its tokens are kept: the next call asks nobody.
    (again,) = asyncio_in_thread(notebook, f"{strict.url}/mcp", ("recall", {"query": "ferry"}))
    assert not again.is_error
    assert "nine" in str(again.structured_content)
    assert notebook.addresses.empty()


def asyncio_in_thread(notebook: Notebook, url: str, *calls: tuple[str, dict[str, Any]]) -> list[CallToolResult]:
    """The same where nobody is asked; a browser's loop runs in this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(notebook.call(url, *calls))).result(PATIENCE)


def test_who_says_no_is_asked_no_more(strict: Server, ana: Person, notebook: Notebook, tab: Page) -> None:
    register = {"client_name": "Notebook", "redirect_uris": [notebook.redirect_uri]}
    client_id = ask("POST", f"{strict.url}/oauth/register", json=register).json()["client_id"]
    asked = httpx2.QueryParams(
        client_id=client_id, response_type="code", code_challenge="x" * 43, redirect_uri=notebook.redirect_uri
    )
    tab.goto(f"{strict.url}/oauth/authorize?{asked}")
    tab.get_by_label("Name or e-mail").fill(ana.name)
    tab.get_by_label("Password").fill("wrong")
    tab.get_by_role("button", name="Log in").click()
    expect(tab.get_by_role("alert")).to_be_visible()
    tab.get_by_label("Name or e-mail").fill(ana.name)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Log in").click()
    tab.get_by_role("button", name="Do not allow").click()
    expect(tab.get_by_text("You can close this window.")).to_be_visible()
    assert notebook.answers.get(timeout=PATIENCE)["error"] == "access_denied"
