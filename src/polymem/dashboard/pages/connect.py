"""Connecting agents: for each client what to paste, and where, with this server's address."""

from nicegui import ui

from polymem.core.mcp_clients import CLIENTS, KEY_VARIABLE, URL_VARIABLE, Http, McpClient, Stdio, command_of
from polymem.dashboard.parts.elements import command, copy_button, heading, link, tag, text
from polymem.dashboard.visit import Visit

_KEY = "YOUR_KEY"


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Connect an agent", "One line of configuration gives a client of the Model Context Protocol this memory.")
    address = visit.server
    key = None if visit.options.local else _KEY
    if key is not None:
        with tag("p", "pm-soft pm-below"):
            tag("span", content=f"Replace {_KEY} by a key: ")
            link("make one", visit.path("/keys"))
            tag("span", content=". A client that speaks OAuth needs none: it asks you to sign in.")
    with tag("div", "pm-stack"):
        for client in CLIENTS:
            with tag("section", "pm-card", aria_label=client.title):
                _draw(client, Http(f"{address}/mcp", key), _stdio(address, key))


def _stdio(address: str, key: str | None) -> Stdio:
    return Stdio(environment={URL_VARIABLE: address} | ({KEY_VARIABLE: key} if key else {}))


def _draw(client: McpClient, http: Http, stdio: Stdio) -> None:
    text(client.title, "pm-session-title", "h2")
    server = http if client.speaks_http else stdio
    line = command_of(client, server)
    if line is not None:
        text("In a terminal:", "pm-soft", "p")
        command(line)
    text(f"{'Or in' if line else 'In'} {client.file('linux')}:", "pm-soft", "p")
    _paste(client.text(server), f"Copy the entry for {client.title}")
    if client.speaks_http:
        with ui.element("details").classes("pm-why"):
            tag("summary", content="As a program on stdin and stdout")
            _paste(client.text(stdio), f"Copy the program's entry for {client.title}")


def _paste(entry: str, label: str) -> None:
    with tag("div", "pm-paste"):
        with tag("div", "pm-code", tabindex="0", role="region", aria_label=label.removeprefix("Copy ")):
            tag("pre", content=entry)
        copy_button(entry, label)
