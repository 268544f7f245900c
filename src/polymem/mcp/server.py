"""A toolset as a server of the official SDK. Loaded with the first call on stdio, with the first request on HTTP."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import mcp_types as types
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from mcp.server import CacheHint, Server, ServerRequestContext
from mcp.shared.exceptions import MCPError

from polymem import __version__
from polymem.core.digest.prompts import to_data
from polymem.core.errors import Conflict, Forbidden, InvalidInput, NotFound, PolymemError, Unavailable
from polymem.mcp.catalog import Toolset
from polymem.mcp.stdio import LIST_TTL_MS
from polymem.mcp.visit import Reply, Visit

_logger = logging.getLogger(__name__)

Context = ServerRequestContext[Any, Any]

Visits = Callable[[Context], Awaitable[Visit]]
"""Who calls, and which memory they see. Raises PolymemError."""

_TICK_SECONDS = 2.0
"""How often a call that takes longer says that it is still at work."""

# The first class that fits decides what the model is told to do.
_REMEDIES: tuple[tuple[type[PolymemError], str], ...] = (
    (NotFound, "Use an id or a project key that another tool told you."),
    (InvalidInput, "Correct the argument and call again."),
    (Conflict, "Read the memory again, then decide anew."),
    (Forbidden, "This credential does not allow it; tell the user, and do not try again."),
    (Unavailable, "Try again later, and tell the user if it stays like this."),
)


def create_server(toolset: Toolset, visits: Visits) -> Server[Any]:
    """The server of this toolset; `visits` tells who calls."""
    calls: Any = import_module(toolset.calls)
    tools = {tool.name: tool for tool in toolset.tools}
    validators = {tool.name: Draft202012Validator(tool.input) for tool in toolset.tools}
    listed = {
        "tools": [types.Tool.model_validate(tool.wire) for tool in toolset.tools],
        "prompts": [types.Prompt.model_validate(prompt.wire) for prompt in toolset.prompts],
        "resources": [types.Resource.model_validate(one.wire) for one in toolset.resources if not one.is_template],
        "templates": [types.ResourceTemplate.model_validate(one.wire) for one in toolset.resources if one.is_template],
    }

    async def list_tools(_: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=listed["tools"])

    async def list_prompts(_: Context, __: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=listed["prompts"])

    async def list_resources(_: Context, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=listed["resources"])

    async def list_templates(_: Context, __: types.PaginatedRequestParams | None) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=listed["templates"])

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in tools:
            raise MCPError(
                code=types.INVALID_PARAMS, message=f"There is no tool {params.name!r}; there are {', '.join(tools)}"
            )
        given = {name: value for name, value in (params.arguments or {}).items() if value is not None}
        if (wrong := best_match(validators[params.name].iter_errors(given))) is not None:
            return failed(toolset, InvalidInput(_sentence(wrong)))
        try:
            async with _progress(context):
                reply = await calls.CALLS[params.name](await visits(context), given)
        except PolymemError as error:
            return failed(toolset, error)
        except Exception:
            _logger.exception("a tool failed")
            return failed(toolset, Broken("The server failed to do this; its log tells why"))
        return to_result(reply, tools[params.name].output)

    async def read_resource(context: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)
        try:
            text = await calls.read(await visits(context), uri)
        except PolymemError as error:
            raise _refused(error) from None
        if text is None:
            raise MCPError(code=types.INVALID_PARAMS, message=f"There is no resource {uri}", data={"uri": uri})
        mime_type = next((one.mime_type for one in toolset.resources if _fits(one.uri, uri)), "text/plain")
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=params.uri, mime_type=mime_type, text=text)]
        )

    async def get_prompt(context: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        prompt = next((one for one in toolset.prompts if one.name == params.name), None)
        if prompt is None:
            raise MCPError(code=types.INVALID_PARAMS, message=f"There is no prompt {params.name!r}")
        try:
            text = await calls.PROMPTS[params.name](await visits(context), params.arguments or {})
        except PolymemError as error:
            raise _refused(error) from None
        message = types.PromptMessage(role="user", content=types.TextContent(text=text))
        return types.GetPromptResult(description=prompt.description, messages=[message])

    has_resources, has_prompts = bool(toolset.resources), bool(toolset.prompts)
    public = CacheHint(ttl_ms=LIST_TTL_MS, scope="public")
    return Server(
        toolset.server,
        version=__version__,
        title=toolset.title,
        instructions=toolset.instructions,
        cache_hints={
            "tools/list": public,
            "prompts/list": public,
            "resources/list": public,
            "resources/templates/list": public,
            "server/discover": public,
        },
        get_tool_input_schema=lambda name: tools[name].input if name in tools else None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources if has_resources else None,
        on_list_resource_templates=list_templates if has_resources else None,
        on_read_resource=read_resource if has_resources else None,
        on_list_prompts=list_prompts if has_prompts else None,
        on_get_prompt=get_prompt if has_prompts else None,
    )


@asynccontextmanager
async def _progress(context: Context) -> AsyncIterator[None]:
    # Where the client asked to hear of progress; how much is left nobody knows.
    async def tell() -> None:
        seconds = 0.0
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            seconds += _TICK_SECONDS
            await context.session.report_progress(seconds, message=f"Still at work after {seconds:g} seconds")

    ticking = asyncio.create_task(tell())
    try:
        yield
    finally:
        ticking.cancel()


def to_result(reply: Reply, output: Mapping[str, Any] | None) -> types.CallToolResult:
    """A reply in the protocol's form: structured, where the tool has an output schema, and as text for everybody."""
    text = reply.text if reply.text is not None else to_data(reply.structured)
    structured = reply.structured if output is not None else None
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=structured)


def failed(toolset: Toolset, error: PolymemError) -> types.CallToolResult:
    """An error as a tool of this set tells it, so that the model can do something about it."""
    sentence = str(error)
    match toolset.failure:
        case "advice":
            remedy = next((text for kind, text in _REMEDIES if isinstance(error, kind)), "")
            sentence = f"{sentence.rstrip('.')}. {remedy}".strip()
        case "json":
            sentence = json.dumps({"error": sentence}, ensure_ascii=False)
        case "plain":
            pass
    return types.CallToolResult(content=[types.TextContent(text=sentence)], is_error=True)


class Broken(PolymemError):
    """Something that should not happen did. Its cause is in the log and never in the answer."""


def _refused(error: PolymemError) -> MCPError:
    code = types.INVALID_PARAMS if isinstance(error, (NotFound, InvalidInput)) else types.INTERNAL_ERROR
    return MCPError(code=code, message=str(error))


def _sentence(wrong: ValidationError) -> str:
    path = ".".join(str(part) for part in wrong.absolute_path)
    match wrong.validator:
        case "required":
            missing = next(name for name in wrong.validator_value if name not in wrong.instance)
            return f"{path}.{missing} is required" if path else f"{missing} is required"
        case "additionalProperties":
            unknown = next(name for name in wrong.instance if name not in wrong.schema.get("properties", {}))
            return f"there is no argument {unknown!r}; there are {', '.join(wrong.schema['properties'])}"
        case _:
            return f"{path}: {wrong.message[:300]}" if path else str(wrong.message[:300])


def _fits(template: str, uri: str) -> bool:
    return uri.startswith(template.partition("{")[0]) if "{" in template else uri == template
