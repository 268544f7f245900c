"""The page that links of invitations and new passwords lead to. It asks the API, and holds nothing itself."""

from importlib.resources import files

from starlette.responses import HTMLResponse, Response

from polymem.dialects import kit

router = kit.router(include_in_schema=False)

_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "content-security-policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
}


@router.get("/accept-invitation/{token}")
@router.get("/reset-password/{token}")
async def entrance(token: str) -> Response:
    """The page; it reads the token from its own address."""
    page = files("polymem.dialects.native").joinpath("entrance.html").read_text("utf-8")
    return HTMLResponse(page, headers=_HEADERS)
