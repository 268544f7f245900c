"""Where answers for an application may be sent."""

import re
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from polymem.core.people.origins import is_loopback_name

MOST_CHARACTERS = 2000

# Schemes that run something or read something, instead of opening an application of one's own.
_REFUSED_SCHEMES = frozenset(
    {"javascript", "data", "vbscript", "file", "blob", "about", "view-source", "ftp", "ws", "wss", "chrome"}
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")


def is_allowed_redirect(uri: str) -> bool:
    """Whether an application may name this place: https; http on its user's own machine; or a scheme of its own."""
    parts = _split(uri)
    if parts is None or parts.fragment or "@" in parts.netloc or len(uri) > MOST_CHARACTERS or not uri.isprintable():
        return False
    if parts.scheme == "https":
        return bool(parts.netloc)
    if parts.scheme == "http":
        return is_loopback_name(parts.netloc)
    return _SCHEME.fullmatch(parts.scheme) is not None and parts.scheme not in _REFUSED_SCHEMES


def is_same_place(registered: str, named: str) -> bool:
    """Whether a named place is a registered one. On one's own machine any port will do: programs take what is free
    (RFC 8252 §7.3)."""
    if registered == named:
        return True
    one, other = _split(registered), _split(named)
    if one is None or other is None or not (one.scheme == other.scheme == "http"):
        return False
    if not (is_loopback_name(one.netloc) and is_loopback_name(other.netloc)):
        return False
    return (one.hostname, one.path or "/", one.query) == (other.hostname, other.path or "/", other.query)


def place_of(uri: str) -> str:
    """What to tell somebody of where an answer goes: the host, or the scheme of an application of their own."""
    parts = _split(uri)
    if parts is None:
        return uri
    return parts.netloc if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def with_query(uri: str, **more: str | None) -> str:
    """An address with more in its query; what is None is left out."""
    parts = urlsplit(uri)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    pairs += [(name, value) for name, value in more.items() if value is not None]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme else None
