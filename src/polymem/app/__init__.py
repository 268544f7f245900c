"""The composition root: a core out of settings, and doors around a core.

core = await open_core(settings)
app = create_app(core, settings)      # an ASGI application; or, with sockets, signals and a banner:
run(settings)
"""

from polymem.app.composition import open_core
from polymem.app.gateway import create_app
from polymem.app.server import CannotListen, run, serve

__all__ = ["CannotListen", "create_app", "open_core", "run", "serve"]
