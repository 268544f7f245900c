"""Small forgiveness in addresses: a slash too many or too few at the end, and HEAD wherever GET is possible."""

from starlette.types import ASGIApp, Receive, Scope, Send


class ForgivingPaths:
    """ASGI middleware: `/api/list/` is `/api/list`, without the redirect that costs a POST its body.

    Paths under one of `slashed` (beginnings such as "/api/") are taken to end with a slash, all others without. HEAD
    runs as GET; the server leaves the body out by itself.
    """

    def __init__(self, app: ASGIApp, slashed: tuple[str, ...] = ()) -> None:
        self._app = app
        self._slashed = slashed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            root = scope.get("root_path", "")
            path = scope["path"].removeprefix(root).rstrip("/") or "/"
            if (path + "/").startswith(self._slashed) and path != "/":
                path += "/"
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            scope = {**scope, "path": root + path, "method": method}
        await self._app(scope, receive, send)
