"""What a server says on stderr once it answers."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from polymem import __version__
from polymem.dialects import DIALECTS
from polymem.inference import NOTICE_NO_EMBEDDER
from polymem.settings import Settings

_logger = structlog.get_logger("polymem.server")


class Place(NamedTuple):
    """Where a dialect answers; `dialect` None is the gateway with all of them."""

    dialect: str | None
    url: str


def announce(settings: Settings, model: str | None, places: Sequence[Place]) -> None:
    """Tell where the server answers, where it keeps memories and by which `model` it understands them."""
    if settings.log_format == "json":
        urls = {place.dialect or "gateway": place.url for place in places}
        _logger.info("serving", version=__version__, urls=urls, embedding_model=model, auth=settings.auth)
        if model is None:
            _logger.warning(NOTICE_NO_EMBEDDER)
        return
    sys.stderr.write(banner(settings, model, places))
    sys.stderr.flush()


def banner(settings: Settings, model: str | None, places: Sequence[Place]) -> str:
    """The announcement for people."""
    url = places[0].url
    key = "" if settings.auth == "local" else " -H 'Authorization: Bearer KEY'"
    doors = {dialect.name: [url + dialect.prefix] for dialect in DIALECTS if dialect.prefix}
    for place in places[1:]:
        doors[place.dialect or "API"].append(place.url)
    lines = [
        ("API", f"{url}/v1    documentation: {url}/docs"),
        *((name.capitalize(), " and ".join(urls)) for name, urls in doors.items()),
        ("MCP", f"{url}/mcp    or: polymem mcp install CLIENT"),
        (
            "Memories",
            str(settings.data_dir) if settings.database_url is None else "in the database of POLYMEM_DATABASE_URL",
        ),
        ("Model", model or "none"),
        (
            "Access",
            "this machine, without a key" if settings.auth == "local" else "with a key (polymem key create NAME)",
        ),
        ("Keep", f'curl {url}/v1/memories{key} -d \'{{"content": "Ana flies from Lisbon."}}\''),
        ("Find", f'curl {url}/v1/recall{key} -d \'{{"query": "Where does Ana start?"}}\''),
        ("Stop", "Ctrl+C"),
    ]
    notice = [] if model is not None else [f"  {NOTICE_NO_EMBEDDER}"]
    width = max(len(name) for name, _ in lines) + 2
    shown = (f"  {name:<{width}}{text}" for name, text in lines)
    return "\n".join([f"polymem {__version__} is ready", *shown, *notice, ""])
