"""Moving memories out and in, a line of JSON for each, streaming in both directions."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from polymem.core.errors import InvalidInput
from polymem.core.exchange.transfer import ImportReport, Record
from polymem.core.model import MAX_CONTENT_BYTES
from polymem.dialects import kit
from polymem.dialects.native import mapping
from polymem.dialects.native.credentials import Caller
from polymem.dialects.native.errors import responses
from polymem.dialects.native.routes.memories import selected
from polymem.dialects.native.wire import organization as wire
from polymem.dialects.native.wire.filters import ExportSelection

NDJSON = "application/x-ndjson"
IMPORT_PATH = "/v1/import"

_CHUNK_BYTES = 64 * 1024
# A character can take six bytes as an escape in JSON; the rest of a record is small beside its text.
_MAX_LINE_BYTES = 8 * MAX_CONTENT_BYTES

# Many programs take these for the end of a line, though JSON lets them stand in a text: NEL, LS, PS.
_LINE_ENDS = tuple(character.encode() for character in "\x85\u2028\u2029")

router = kit.router(prefix="/v1", tags=["transfer"])

_A_RECORD = '{"id": "019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52", "content": "Ana prefers window seats.", "kind": "note"}\n'
_LINES: dict[str, Any] = {NDJSON: {"schema": {"type": "string"}, "example": _A_RECORD}}


@router.post(
    "/export",
    summary="Export memories",
    response_class=StreamingResponse,
    responses={200: {"description": "A record a line, oldest first.", "content": _LINES}, **responses()},
)
async def export(call: Caller, body: ExportSelection | None = None) -> Response:
    """Every memory for which all conditions hold, as one JSON object a line: what import reads."""
    selection = body or ExportSelection()
    records = call.core.transfer.export(call.scope, await selected(call, selection, selection.superseded))
    # The first record is fetched before the answer begins, while a refusal can still become a status.
    first = [record async for record in _take_one(records)]
    return StreamingResponse(_lines(first, records), media_type=NDJSON)


async def _take_one(records: AsyncIterator[Record]) -> AsyncIterator[Record]:
    async for record in records:
        yield record
        return


def _to_line(record: Record) -> bytes:
    line: bytes = kit.to_json(record)
    for character in _LINE_ENDS:
        line = line.replace(character, f"\\u{ord(character.decode()):04x}".encode())
    return line + b"\n"


async def _lines(first: list[Record], rest: AsyncIterator[Record]) -> AsyncIterator[bytes]:
    chunk = bytearray(b"".join(_to_line(record) for record in first))
    async for record in rest:
        chunk += _to_line(record)
        if len(chunk) >= _CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


@router.post(
    "/import",
    response_model=wire.ImportReport,
    summary="Import memories",
    responses=responses(),
    openapi_extra={"requestBody": {"required": True, "content": _LINES}},
)
async def import_(
    call: Caller,
    request: Request,
    keep_ids: Annotated[bool, Query(description="Keep the records' ids; false gives new ones.")] = True,
    merge: Annotated[
        bool, Query(description="Take a text that its project holds already for the same memory; false keeps it twice.")
    ] = True,
    project: Annotated[
        str | None, Query(description="Put all of them into this project.", examples=["travel"], max_length=500)
    ] = None,
) -> Response:
    """Keep the records of an export, one JSON object a line. Of any length: nothing is held but a batch.

    Importing twice does not double anything. A record that cannot be kept is skipped and named in the report; if the
    connection breaks, what was read until then is kept.
    """
    report = ImportReport()
    records = _records(request)
    async for report_so_far in call.core.transfer.import_(
        call.scope, records, keep_ids=keep_ids, merge=merge, project=project
    ):
        report = report_so_far
    return kit.JsonResponse(mapping.from_report(report))


async def _records(request: Request) -> AsyncIterator[Any]:
    async for line in _split(request.stream()):
        if line is None:
            yield InvalidInput(f"the record is larger than {_MAX_LINE_BYTES} bytes")
        elif line.strip():
            try:
                yield kit.parse_json(line)
            except InvalidInput as error:
                yield error


async def _split(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes | None]:
    # Lines without their ends; None for one that is too long, which is passed over without being held.
    line = bytearray()
    skipping = False
    async for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            yield None if skipping or len(line) + len(part) > _MAX_LINE_BYTES else bytes(line + part)
            line.clear()
            skipping = False
        if skipping or len(line) + len(rest) > _MAX_LINE_BYTES:
            line.clear()
            skipping = True
        else:
            line += rest
    if skipping:
        yield None
    elif line:
        yield bytes(line)
