"""Where the server is, and what a web page of another origin must not do with a browser's own credentials."""

from starlette.requests import Request

from polymem.core.errors import Forbidden
from polymem.core.people.origins import own_origin
from polymem.dialects.dialect import DialectOptions


def origin_of(request: Request) -> str:
    """The address this server was called at: the audience that tokens of applications must be for."""
    options: DialectOptions = request.app.state.options
    return own_origin(request.url.scheme, request.headers.get("host", ""), options.public_url)


_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_foreign_pages(request: Request) -> None:
    """Raises Forbidden for a request that changes something and comes from a page of another origin.

    For callers whom the browser vouches for (a cookie) or who need no credential: it sends requests of any page it
    shows, and says in Origin whose they are.
    """
    origin = request.headers.get("origin")
    if request.method in _SAFE_METHODS or origin is None:
        return
    if origin.partition("://")[2] != request.headers.get("host"):
        raise Forbidden("A page of another origin cannot change anything without a key")
