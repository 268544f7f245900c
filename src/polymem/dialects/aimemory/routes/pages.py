"""The pages of the site: how to connect a model's client, and where tokens and deleted memories are."""

import html
import shlex
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from polymem.core.mcp_clients import (
    CLIENTS,
    KEY_VARIABLE,
    URL_VARIABLE,
    Http,
    McpClient,
    Stdio,
    command_of,
)
from polymem.dialects import kit
from polymem.dialects.dialect import DialectOptions

router = kit.router(include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TOKEN = "YOUR_API_TOKEN"
_NAME = "ai-memory"
"""What the published documentation calls the server in a client's configuration."""


@router.get("/")
async def home(request: Request) -> Response:
    """What this is."""
    return await admin(request)


@router.get("/admin/")
async def admin(request: Request) -> Response:
    """Where tokens are made and deleted memories restored."""
    keys = _link(request, "/keys", "See, make and end keys and tokens")
    return _page(request, "admin.html", keys=keys, trash=_link(request, "/trash", "Open the trash"))


@router.get("/admin/mcp-setup/")
async def mcp_setup(request: Request) -> Response:
    """Configurations to paste, with this server's address in them."""
    return _page(request, "mcp_setup.html", clients=_clients(request))


def _page(request: Request, name: str, **parts: str) -> HTMLResponse:
    page = (files(__package__.rpartition(".")[0]) / name).read_text("utf-8")
    # The address comes from the request, so it is made harmless before it becomes part of a page.
    for part, text in {"address": html.escape(_address(request)), **parts}.items():
        page = page.replace("{{" + part + "}}", text)
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})


def _address(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _link(request: Request, path: str, words: str) -> str:
    # The dashboard is at the root of this very port, above our prefix where there is one.
    options: DialectOptions = request.app.state.options
    if not options.dashboard:
        return ""
    root = _address(request).removesuffix(request.scope.get("root_path", "").rstrip("/"))
    return f'<p><a href="{html.escape(root + path)}">{words}</a>.</p>'


def _gateway(request: Request) -> str:
    # Where the native API is: above our prefix, or on a port beside ours.
    options: DialectOptions = request.app.state.options
    prefix = request.scope.get("root_path", "").rstrip("/")
    if prefix:
        return _address(request).removesuffix(prefix)
    return options.public_url or f"{request.url.scheme}://{request.url.hostname}:{options.gateway_port}"


def _clients(request: Request) -> str:
    address, gateway = _address(request), _gateway(request)
    stdio = Stdio(environment={URL_VARIABLE: gateway, KEY_VARIABLE: _TOKEN})
    http = Http(f"{address}/mcp", _TOKEN)
    return "\n".join(_client(client, stdio, http, gateway) for client in CLIENTS)


def _client(client: McpClient, stdio: Stdio, http: Http, gateway: str) -> str:
    first = client is CLIENTS[0]
    named = ' id="config"' if first else ""
    places = " or ".join(f"<code>{html.escape(file)}</code>" for file in dict.fromkeys(client.files.values()))
    parts = [
        f"<h3>By its file</h3><p>{places}</p>",
        f'<p class="soft">It starts <code>polymem mcp</code> (stdio):</p>{_copy(client.text(stdio, _NAME), named)}',
    ]
    if client.speaks_http:
        parts.append(f'<p class="soft">Or it asks this server itself (HTTP):</p>{_copy(client.text(http, _NAME))}')
        if client.form == "toml":
            parts.append(f'<p class="soft">with the token in the variable <code>{KEY_VARIABLE}</code>.</p>')
    else:
        parts.append('<p class="soft">Its file takes no HTTP servers; polymem asks this one for it.</p>')
    commands = [command for server in (stdio, http) if (command := command_of(client, server, _NAME)) is not None]
    if commands:
        parts.append(f"<h3>By its own command</h3>{''.join(_copy(command) for command in commands)}")
    install = f"{KEY_VARIABLE}={_TOKEN} polymem mcp install {client.id} --name {_NAME} --url {shlex.quote(gateway)}"
    parts.append(f'<h3>By polymem</h3><p class="soft">Writes the file, and keeps what is in it:</p>{_copy(install)}')
    return f"<details{' open' if first else ''}><summary>{client.title}</summary>{''.join(parts)}</details>"


def _copy(text: str, attributes: str = "") -> str:
    return f'<div class="copy"><pre{attributes}>{html.escape(text.rstrip())}</pre></div>'
