"""Applications that describe themselves at an address: fetched over real TLS, as if every address were an attack."""

import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from polymem.app import open_core
from polymem.mcp.oauth.client_documents import Address, ClientDocuments, UnusableDocument, is_public
from polymem.mcp.oauth.door import OAuthOptions
from polymem.mcp.oauth.endpoints import create_app
from polymem.mcp.oauth.redirects import is_allowed_redirect, is_same_place, place_of
from tests.conftest import MakeSettings

HOST = "notebook.example"
LOOPBACK = ipaddress.ip_address("127.0.0.1")


@dataclass(slots=True)
class Site:
    """A site on this machine that says it is `HOST`, and what it answers."""

    port: int
    trusting: ssl.SSLContext
    answer: Callable[[str], tuple[int, dict[str, str], bytes]]
    asked: list[tuple[str, str]] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/client.json"

    def documents(self, *addresses: Address, accepts: Callable[[Address], bool] | None = None) -> ClientDocuments:
        """A reader for whom the host is here, and this machine is as good as any."""

        async def resolve(host: str, _: int) -> list[Address]:
            self.resolved.append(host)
            return list(addresses or (LOOPBACK,))

        return ClientDocuments(resolve, accepts or (lambda address: address == LOOPBACK), self.trusting)

    def says(self, status: int = 200, content_type: str = "application/json", **changed: Any) -> None:
        """Answers with a document, changed like this."""
        document = {"client_id": self.url, "client_name": "Notebook", "redirect_uris": ["http://127.0.0.1/cb"]}
        kept = {name: value for name, value in (document | changed).items() if value is not None}
        self.answer = lambda _: (status, {"Content-Type": content_type}, json.dumps(kept).encode())


@contextmanager
def a_site(folder: Path, name: str = HOST) -> Iterator[Site]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    site = Site(0, ssl.create_default_context(cafile=str(pem)), lambda _: (404, {}, b""))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked.append((self.headers["Host"], self.path))
            status, headers, body = site.answer(self.path)
            self.send_response(status)
            for header in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests say enough."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Who does not trust the site hangs up on it."""

    http = Quiet(("127.0.0.1", 0), Handler)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    http.socket = serving.wrap_socket(http.socket, server_side=True)
    site.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(tmp_path) as site:
        yield site


async def test_an_application_is_what_its_document_says(site: Site) -> None:
    site.says(client_uri="https://notebook.example/", redirect_uris=["http://127.0.0.1/cb", "notebook://cb"])
    documents = site.documents()
    application = await documents.get(site.url)
    assert (application.id, application.name) == (site.url, "Notebook")
    assert application.redirect_uris == ("http://127.0.0.1/cb", "notebook://cb")
    assert application.uri == "https://notebook.example/"
    # Connected to the address that was looked at, under the name that was asked for.
    assert site.asked == [(f"{HOST}:{site.port}", "/client.json")]
    assert await documents.get(site.url) == application
    assert len(site.asked) == len(site.resolved) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "https://other.example/client.json"},
        {"client_id": None},
        {"redirect_uris": None},
        {"redirect_uris": []},
        {"redirect_uris": [5]},
        {"redirect_uris": "https://notebook.example/cb"},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["https://notebook.example/cb"] * 21},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"client_secret": "x"},
        {"status": 404},
        {"status": 500},
        {"content_type": "text/html"},
        {"padding": "x" * 40_000},
    ],
)
async def test_a_document_that_will_not_do_is_refused(site: Site, changed: dict[str, Any]) -> None:
    site.says(**changed)
    with pytest.raises(UnusableDocument):
        await site.documents().get(site.url)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 10_000, b'"text"'])
async def test_what_is_no_document_is_refused(site: Site, body: bytes) -> None:
    site.answer = lambda _: (200, {"Content-Type": "application/json"}, body)
    with pytest.raises(UnusableDocument):
        await site.documents().get(site.url)


async def test_nobody_is_followed_elsewhere(site: Site) -> None:
    site.answer = lambda path: (302, {"Location": f"https://{HOST}:{site.port}/other.json"}, b"")
    with pytest.raises(UnusableDocument, match="302"):
        await site.documents().get(site.url)
    assert [path for _, path in site.asked] == ["/client.json"]


async def test_a_site_must_be_who_it_says(site: Site, tmp_path: Path) -> None:
    with a_site(tmp_path, "evil.example") as evil:
        evil.says(client_id=f"https://{HOST}:{evil.port}/client.json")
        evil.trusting = site.trusting
        with pytest.raises(UnusableDocument):
            await evil.documents().get(f"https://{HOST}:{evil.port}/client.json")
        assert evil.asked == []


async def test_a_site_that_takes_too_long_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = threading.Event()
    site.answer = lambda _: (waiting.wait(30), (200, {}, b"{}"))[1]
    monkeypatch.setattr("polymem.mcp.oauth.client_documents.SECONDS", 0.3)
    with pytest.raises(UnusableDocument):
        await site.documents().get(site.url)
    waiting.set()


async def test_one_private_address_among_others_is_enough_to_refuse(site: Site) -> None:
    site.says()
    with pytest.raises(UnusableDocument, match="public internet"):
        await site.documents(LOOPBACK, ipaddress.ip_address("10.0.0.1")).get(site.url)
    with pytest.raises(UnusableDocument, match="public internet"):
        await ClientDocuments().get(f"https://localhost:{site.port}/client.json")
    with pytest.raises(UnusableDocument, match="public internet"):
        await ClientDocuments().get("https://169.254.169.254/latest/meta-data")
    assert site.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("192.0.2.1", False), ("198.18.0.1", False), ("240.0.0.1", False),
        ("::1", False), ("::", False), ("fe80::1", False), ("fc00::1", False), ("ff02::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False), ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False), ("2001:0:7f00:1::1", False), ("2001:db8::1", False),
    ],
)  # fmt: skip
def test_only_addresses_of_the_public_internet_are_fetched_from(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) == public


@pytest.mark.parametrize(
    "url",
    [
        "http://notebook.example/client.json", "https://notebook.example", "https://notebook.example/",
        "https://user:pw@notebook.example/c", "https://notebook.example/c#x", "https://notebook.example/../c",
        "https://notebook.example/./c", "https:///c", "https://notebook.example:99999/c", "https://notebook.example:0/c",
        "https://notebook.example/a b", "https://nötebook.example/c", "https://notebook.example/" + "x" * 600,
        "https://[::1/c", "https://notebook.example/c\n", "ftp://notebook.example/c", "notebook",
    ],
)  # fmt: skip
async def test_an_id_that_is_no_proper_address_is_never_fetched(site: Site, url: str) -> None:
    with pytest.raises(UnusableDocument):
        await site.documents().get(url)
    assert site.resolved == []


@pytest.mark.parametrize(
    ("registered", "named", "same"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb", True),
        ("http://localhost:1/cb", "http://localhost:2/cb", True),
        ("http://[::1]/cb", "http://[::1]:9/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5000/other", False),
        ("http://127.0.0.1/cb", "http://localhost:5000/cb", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:5000/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", False),
        ("https://notebook.example/cb", "https://notebook.example:444/cb", False),
        ("https://notebook.example/cb", "https://notebook.example/cb", True),
        ("notebook://cb", "notebook://cb2", False),
    ],
)
def test_a_place_is_the_registered_one_but_for_the_port_on_ones_own_machine(
    registered: str, named: str, same: bool
) -> None:
    assert is_same_place(registered, named) == same


def test_places_are_told_by_host_or_scheme() -> None:
    assert place_of("https://notebook.example/cb?x=1") == "notebook.example"
    assert place_of("cursor://anysphere/cb") == "cursor:"
    assert is_allowed_redirect("cursor://anysphere/cb")
    assert not is_allowed_redirect("JavaScript:alert(1)")
    assert not is_allowed_redirect("https://")
    assert not is_allowed_redirect("relative")


async def test_such_an_application_asks_for_consent_without_being_registered(
    site: Site, make_settings: MakeSettings
) -> None:
    site.says(redirect_uris=["http://127.0.0.1/cb"])
    core = await open_core(make_settings(embedder="none"))
    app = create_app(core, OAuthOptions(), site.documents())
    asked = {
        "client_id": site.url,
        "redirect_uri": "http://127.0.0.1:5000/cb",
        "response_type": "code",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765") as client:
        sent = await client.get("/oauth/authorize", params=asked)
        assert sent.status_code == 302
        page = await client.get(sent.headers["location"])
        assert "Notebook" in page.text
        elsewhere = await client.get("/oauth/authorize", params=asked | {"redirect_uri": "https://evil.example/cb"})
        assert (elsewhere.status_code, "location" in elsewhere.headers) == (400, False)
        site.says(status=404)
        unknown = await client.get("/oauth/authorize", params=asked | {"client_id": f"{site.url}?other"})
        assert (unknown.status_code, unknown.json()["error"]) == (400, "invalid_request")
    await core.close()
