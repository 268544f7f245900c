"""The pages of the site: how to connect a model's client, and where tokens and deleted memories are."""

import html
import json
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from polymem.dialects import kit

router = kit.router(include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TOKEN = "YOUR_API_TOKEN"


@router.get("/")
async def home(request: Request) -> Response:
    """What this is."""
    return _page(request, "admin.html")


@router.get("/admin/")
async def admin(request: Request) -> Response:
    """Where tokens are made and deleted memories restored."""
    return _page(request, "admin.html")


@router.get("/admin/mcp-setup/")
async def mcp_setup(request: Request) -> Response:
    """A configuration to paste, with this server's address in it."""
    return _page(request, "mcp_setup.html")


def _page(request: Request, name: str) -> HTMLResponse:
    address = str(request.base_url).rstrip("/")
    server = {
        "command": "polymem",
        "args": ["mcp"],
        "env": {"AIM_API_URL": address, "AIM_API_TOKEN": _TOKEN},
    }
    config = json.dumps({"mcpServers": {"ai-memory": server}}, indent=2)
    page = (files(__package__.rpartition(".")[0]) / name).read_text("utf-8")
    # The address comes from the request, so it is made harmless before it becomes part of a page.
    filled = page.replace("{{address}}", html.escape(address)).replace("{{config}}", html.escape(config))
    return HTMLResponse(filled, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})
