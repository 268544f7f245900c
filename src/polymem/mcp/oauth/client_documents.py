"""Applications that describe themselves at an address of their own (OAuth Client ID Metadata Documents).

Whoever sends such an address makes this server fetch it, so it is fetched as if it were an attack: by https only, from
addresses of the public internet only, connected to the very address that was looked at, without redirects, proxies or
cookies, and with little time and room.
"""

import asyncio
import ipaddress
import json
import logging
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from polymem.core.people.applications import Application
from polymem.core.people.grants import MOST_REDIRECTS
from polymem.mcp.oauth.redirects import is_allowed_redirect

_logger = logging.getLogger(__name__)

SECONDS = 5.0
MOST_BYTES = 32 * 1024
MOST_CHARACTERS = 500
_KEPT_SECONDS = 600.0
_MOST_KEPT = 256

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class UnusableDocument(Exception):
    """The application does not say who it is. `str(error)` is a sentence that tells why."""


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, and not of this machine, its network, or a cloud's insides."""
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if inner is not None:
        return is_public(inner)
    if getattr(address, "teredo", None) is not None or address in _NAT64:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(slots=True)
class _Kept:
    application: Application
    until: float


class ClientDocuments:
    """Fetches them, and remembers each for ten minutes. `resolve`, `accepts` and `tls` are the world's, and are given
    by tests."""

    def __init__(
        self,
        resolve: Callable[[str, int], Awaitable[list[Address]]] = resolve,
        accepts: Callable[[Address], bool] = is_public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._resolve = resolve
        self._accepts = accepts
        self._tls = tls
        self._kept: dict[str, _Kept] = {}

    async def get(self, url: str) -> Application:
        """The application that is described at this address, which is its id. Raises UnusableDocument."""
        kept = self._kept.get(url)
        if kept is not None and kept.until > time.monotonic():
            return kept.application
        check_client_id(url)
        try:
            async with asyncio.timeout(SECONDS):
                body = await self._fetch(url)
        except (TimeoutError, OSError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            _logger.info("the document of an application could not be read: %s", type(error).__name__)
            raise UnusableDocument("Its address does not answer with a document") from None
        application = to_application(url, body)
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[url] = _Kept(application, time.monotonic() + _KEPT_SECONDS)
        return application

    async def _fetch(self, url: str) -> bytes:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        addresses = await self._resolve(host, port)
        if not addresses or not all(map(self._accepts, addresses)):
            raise UnusableDocument("Its address is not one of the public internet")
        address = addresses[0]
        # Connected to what was looked at; a name could mean something else the next moment.
        pinned = f"[{address}]" if address.version == 6 else str(address)
        target = f"https://{pinned}:{port}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        headers = {"host": parts.netloc, "accept": "application/json", "accept-encoding": "identity"}
        client = httpx2.AsyncClient(
            verify=self._tls or ssl.create_default_context(), trust_env=False, follow_redirects=False, timeout=SECONDS
        )
        async with client, client.stream("GET", target, headers=headers, extensions={"sni_hostname": host}) as answer:
            if answer.status_code != 200:
                raise UnusableDocument(f"Its address answers {answer.status_code}")
            if "json" not in answer.headers.get("content-type", ""):
                raise UnusableDocument("At its address is no JSON document")
            body = b""
            async for part in answer.aiter_raw():
                body += part
                if len(body) > MOST_BYTES:
                    raise UnusableDocument("Its document is too long")
            return body


def check_client_id(url: str) -> None:
    """Raises UnusableDocument for an address that cannot be an application's id."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnusableDocument("Its id is not an address") from None
    segments = parts.path.split("/")
    plain = (
        parts.scheme == "https"
        and parts.hostname
        and parts.path not in ("", "/")
        and not parts.fragment
        and "@" not in parts.netloc
        and not {".", ".."} & set(segments)
        and port != 0
        and url.isascii()
        and url.isprintable()
        and " " not in url
        and len(url) <= MOST_CHARACTERS
    )
    if not plain:
        raise UnusableDocument("Its id is not an https address with a path")


def to_application(url: str, body: bytes) -> Application:
    """What a document says. Raises UnusableDocument."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise UnusableDocument("At its address is no JSON document") from None
    if not isinstance(document, dict) or document.get("client_id") != url:
        raise UnusableDocument("Its document is about another application")
    if document.get("token_endpoint_auth_method", "none") != "none" or "client_secret" in document:
        raise UnusableDocument("It wants to prove itself by a secret, which a public document cannot hold")
    redirects = _texts(document.get("redirect_uris"))
    if not 1 <= len(redirects) <= MOST_REDIRECTS:
        raise UnusableDocument("Its document names no redirect_uris")
    if not all(map(is_allowed_redirect, redirects)):
        raise UnusableDocument("Its document names redirect_uris that answers cannot be sent to")
    name, uri = document.get("client_name"), document.get("client_uri")
    shown = name.strip()[:MOST_CHARACTERS] if isinstance(name, str) and name.isprintable() else ""
    return Application(
        id=url,
        name=shown or urlsplit(url).netloc,
        redirect_uris=tuple(redirects),
        uri=uri if isinstance(uri, str) and uri.startswith("https://") else None,
        created_at=datetime.now(UTC),
    )


def _texts(value: Any) -> list[str]:
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else []
