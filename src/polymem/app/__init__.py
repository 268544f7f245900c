"""The composition root: a core out of settings, and doors around a core.

    core = await open_core(settings)
    app = create_app(core, settings)      # an ASGI application; or, with sockets, signals and a banner:
    run(settings)

The web server is loaded when it is first asked for: commands that only need a core start without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from polymem.app.composition import open_core

if TYPE_CHECKING:
    from polymem.app.gateway import create_app
    from polymem.app.server import CannotListen, serve
    from polymem.app.workers import run

__all__ = ["CannotListen", "create_app", "open_core", "run", "serve"]

_LATER = {
    "create_app": "polymem.app.gateway",
    "CannotListen": "polymem.app.server",
    "run": "polymem.app.workers",
    "serve": "polymem.app.server",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
