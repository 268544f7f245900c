"""Commands that find memories: recall, list, why-not."""

import time
from typing import Annotated, Any

import typer
from rich.text import Text

from polymem.cli import commands, output
from polymem.cli.command import AsJson, core_command
from polymem.cli.options import (
    AsOfOption,
    ContainerOption,
    KindFilter,
    LimitOption,
    OffsetOption,
    ProjectOption,
    TagFilter,
    TrueAtOption,
    to_filter,
    to_past,
)
from polymem.core import Core
from polymem.core.errors import InvalidInput
from polymem.core.exchange.transfer import to_record
from polymem.core.filters import ContainsText, Filter, Sort, SortKey, true_at
from polymem.core.people import Scope
from polymem.core.ranking import Mode, Ranked
from polymem.core.recall import Recalled, RecallQuery, Stage

app = commands()

Query = Annotated[str, typer.Argument(help="What you want to know.", show_default=False)]
ModeOption = Annotated[Mode, typer.Option("--mode", "-m", help="By meaning and words, by meaning, or by words.")]
MinScoreOption = Annotated[
    float | None,
    typer.Option(
        "--min-score", help="Leave out what scores less, 0 to 1. Not given, only what looks like an answer is shown."
    ),
]
SupersededOption = Annotated[bool, typer.Option("--superseded", help="Find memories that others replace, too.")]


@core_command(app)
async def recall(
    core: Core,
    scope: Scope,
    query: Query,
    project: ProjectOption = None,
    kind: KindFilter = None,
    tag: TagFilter = None,
    container: ContainerOption = None,
    mode: ModeOption = Mode.HYBRID,
    limit: LimitOption = 10,
    offset: OffsetOption = 0,
    min_score: MinScoreOption = None,
    superseded: SupersededOption = False,
    as_of: AsOfOption = None,
    true: TrueAtOption = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say of each hit how it came there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find memories by meaning and words, best first."""
    filter = await to_filter(core, scope, project=project, kinds=kind, tags=tag, container=container)
    if true is not None:
        filter = (*filter, *true_at(to_past(true, "--true-at", end_of_day=False)))
    asked = RecallQuery(
        text=query,
        filter=filter,
        mode=mode,
        limit=limit,
        offset=offset,
        min_score=min_score,
        superseded=superseded,
        as_of=None if as_of is None else to_past(as_of, "--as-of", end_of_day=True),
    )
    start = time.perf_counter()
    found = await core.recall(scope, asked)
    took_ms = (time.perf_counter() - start) * 1000
    if as_json:
        output.print_json(_to_json(found, explain=explain, took_ms=took_ms))
        return
    for hit in found.hits:
        output.show(output.entry(hit.memory, score=hit.score))
        if explain:
            output.show(Text(f"  {_explained(hit.why)}", style="dim"))
    if not found.hits:
        typer.echo("Nothing found." if found.considered else "There is nothing to find here yet.")
    _remark_what_is_missing(found, mode)


def _remark_what_is_missing(found: Recalled, asked: Mode) -> None:
    if found.mode is not asked:
        output.remark("Found by words only: there is no embedding model. polymem doctor says why.")
    elif found.without_vector:
        output.remark(f"{found.without_vector} memories are found by words only until polymem reindex embeds them.")


@core_command(app, "list")
async def list_(
    core: Core,
    scope: Scope,
    project: ProjectOption = None,
    unassigned: Annotated[bool, typer.Option("--no-project", help="Those of no project.")] = False,
    kind: KindFilter = None,
    tag: TagFilter = None,
    container: ContainerOption = None,
    text: Annotated[
        str | None, typer.Option(help="With this in the text or the title.", metavar="WORDS", show_default=False)
    ] = None,
    sort: Annotated[SortKey, typer.Option(help="What to order by.")] = SortKey.CREATED,
    ascending: Annotated[bool, typer.Option("--ascending", help="The other way round.")] = False,
    limit: LimitOption = 20,
    offset: OffsetOption = 0,
    trash: Annotated[bool, typer.Option("--trash", help="Those in the trash instead.")] = False,
    as_of: AsOfOption = None,
    as_json: AsJson = False,
) -> None:
    """List memories, newest first."""
    filter: Filter = await to_filter(
        core, scope, project=project, kinds=kind, tags=tag, container=container, unassigned=unassigned
    )
    if text:
        filter = (*filter, ContainsText(text))
    order = Sort(sort, descending=not ascending)
    if trash and as_of is not None:
        raise InvalidInput("--trash and --as-of exclude each other: the trash is that of now")
    if trash:
        page = await core.memories.trash(scope, filter, limit=limit, offset=offset)
    elif as_of is not None:
        at = to_past(as_of, "--as-of", end_of_day=True)
        page = await core.timeline.find_as_of(scope, at, filter, sort=order, limit=limit, offset=offset)
    else:
        page = await core.memories.find(scope, filter, sort=order, limit=limit, offset=offset)
    if as_json:
        items = [to_record(memory) for memory in page.items]
        output.print_json({"items": items, "total": page.total, "limit": page.limit, "offset": page.offset})
        return
    output.show(*(output.entry(memory) for memory in page.items))
    shown = f"{offset + 1}–{offset + len(page.items)} of {page.total}" if page.items else f"None of {page.total}"
    output.remark(shown)


@core_command(app, "why-not")
async def why_not(
    core: Core,
    scope: Scope,
    memory_id: Annotated[str, typer.Argument(metavar="ID", help="The memory that was expected.", show_default=False)],
    query: Query,
    project: ProjectOption = None,
    kind: KindFilter = None,
    tag: TagFilter = None,
    container: ContainerOption = None,
    mode: ModeOption = Mode.HYBRID,
    limit: LimitOption = 10,
    offset: OffsetOption = 0,
    min_score: MinScoreOption = None,
    superseded: SupersededOption = False,
    as_json: AsJson = False,
) -> None:
    """Tell which stage of a recall loses a memory, and the smallest change that brings it back."""
    asked = RecallQuery(
        text=query,
        filter=await to_filter(core, scope, project=project, kinds=kind, tags=tag, container=container),
        mode=mode,
        limit=limit,
        offset=offset,
        min_score=min_score,
        superseded=superseded,
    )
    why = await core.recall.why_not(scope, asked, memory_id)
    if as_json:
        explained = None if why.ranked is None else _to_explanation(why.ranked, why.rank)
        output.print_json(
            {
                "stage": why.stage.value,
                "sentence": why.sentence,
                "remedy": why.remedy,
                "rank": why.rank,
                "score": why.score,
                "explain": explained,
            }
        )
        return
    verdict = "found" if why.stage is Stage.RETURNED else "not found"
    output.show(Text.assemble((f"{verdict}: ", "bold"), output.plain(why.sentence)))
    if why.remedy:
        output.show(Text.assemble(("try: ", "bold"), why.remedy))
    if why.ranked is not None:
        output.show(Text(_explained(why.ranked), style="dim"))


def _to_json(found: Recalled, *, explain: bool, took_ms: float) -> dict[str, Any]:
    hits = []
    for hit in found.hits:
        entry = {"memory": to_record(hit.memory), "score": hit.score}
        hits.append(entry | {"explain": _to_explanation(hit.why, hit.rank)} if explain else entry)
    return {
        "hits": hits,
        "mode": found.mode.value,
        "matched": found.matched,
        "considered": found.considered,
        "took_ms": round(took_ms, 3),
    }


def _to_explanation(ranked: Ranked, rank: int | None) -> dict[str, Any]:
    candidate = ranked.candidate
    return {
        "rank": rank,
        "total": ranked.total,
        "factors": ranked.factors,
        "cosine": candidate.cosine,
        "context_cosine": candidate.context_cosine,
        "keyword": candidate.keyword,
        "context_keyword": candidate.context_keyword,
        "coverage": candidate.coverage,
        "tokens": candidate.tokens,
        "context_tokens": candidate.context_tokens,
        "names": candidate.names,
        "first_rank": candidate.first_rank,
        "dense_rank": candidate.dense_rank,
        "keyword_rank": candidate.keyword_rank,
    }


def _explained(ranked: Ranked) -> str:
    candidate = ranked.candidate
    factors = [f"{name} {value:+.2f}" for name, value in ranked.factors.items()]
    ranks = [
        f"{name} rank {rank}"
        for name, rank in (("meaning", candidate.dense_rank), ("words", candidate.keyword_rank))
        if rank is not None
    ]
    return f"{ranked.total:.2f} = {' '.join(factors) or '0'}   ({', '.join(ranks) or 'in neither search'})"
