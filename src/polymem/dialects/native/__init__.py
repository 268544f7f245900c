"""The native API: /v1 at the gateway's root, in the core's own words."""

from typing import Any

from fastapi import FastAPI

from polymem.core import Core
from polymem.dialects import kit
from polymem.dialects.dialect import Dialect, DialectOptions
from polymem.dialects.native.credentials import SECURITY_SCHEMES
from polymem.dialects.native.errors import Problem, render
from polymem.dialects.native.routes import ROUTERS
from polymem.dialects.native.routes.transfer import IMPORT_PATH

_DESCRIPTION = """\
Keep what an agent should remember, and find it again by meaning and by words.

Send a key or an account token as `Authorization: Bearer KEY` or `X-API-Key: KEY`; browsers log in and have a cookie. A
server in local mode takes callers without a credential for its owner. Accounts of several organizations name the one
they mean in `X-Polymem-Organization`. Instants are RFC 3339; one without an offset counts as UTC. Every refusal is a
problem document (RFC 9457).
"""

_TAGS = [
    {"name": "memories", "description": "Keep, read, change and forget."},
    {"name": "recall", "description": "Find."},
    {"name": "digest", "description": "Answer, summarise, compress."},
    {"name": "time", "description": "What changed, and what was found out."},
    {"name": "conflicts", "description": "What contradicts or replaces what."},
    {"name": "projects", "description": "Parts of the memory with a name."},
    {"name": "context", "description": "What a model should know of a project."},
    {"name": "sessions", "description": "Periods of work on a project."},
    {"name": "tasks", "description": "What is to be done."},
    {"name": "snippets", "description": "Pieces of code."},
    {"name": "transfer", "description": "Export and import."},
    {"name": "keys", "description": "Who may call."},
    {"name": "auth", "description": "Coming in and going out."},
    {"name": "me", "description": "The caller's own account."},
    {"name": "organizations", "description": "Who owns memories, and who belongs to whom."},
    {"name": "invitations", "description": "How people come in."},
    {"name": "health", "description": "How the server is, and what it holds."},
]


def create_app(core: Core, options: DialectOptions) -> FastAPI:
    """The native API over `core`."""
    api = kit.create_api(
        options,
        title="polymem",
        render=render,
        unlimited={IMPORT_PATH},
        summary="A memory server for AI agents.",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        generate_unique_id_function=lambda route: "-".join((*route.tags, route.name)).rstrip("_"),
    )
    api.state.core = core
    api.state.options = options
    for router in ROUTERS:
        api.include_router(router)
    api.add_middleware(kit.HeadAsGet)
    generate = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            _complete(generate(), local=options.local)
        assert api.openapi_schema is not None
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]
    return api


_OPEN_PATHS = frozenset(
    {
        "/v1/auth/login",
        "/v1/auth/register",
        "/v1/auth/reset",
        "/v1/invitations/{token}",
        "/v1/invitations/{token}/register",
    }
)


def _complete(document: dict[str, Any], *, local: bool) -> None:
    # What FastAPI cannot be told: the one body of all errors, and that a credential may be missing in local mode.
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    document["components"]["securitySchemes"] = SECURITY_SCHEMES
    document["security"] = [{name: []} for name in SECURITY_SCHEMES] + ([{}] if local else [])
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path.startswith("/health") or path in _OPEN_PATHS:
                operation["security"] = []
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"])


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    # A parameter can be left out, but an address has no way to say null.
    choices = [choice for choice in schema.pop("anyOf", ()) if choice != {"type": "null"}]
    return schema | (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})


DIALECT = Dialect("native", "", None, create_app, render)
