"""Commands that count: projects, stats."""

from polymem.cli import commands, output
from polymem.cli.command import AsJson, core_command
from polymem.core import Core
from polymem.core.exchange.transfer import to_rfc3339
from polymem.core.people import Scope

app = commands()


@core_command(app)
async def projects(core: Core, scope: Scope, as_json: AsJson = False) -> None:
    """List the projects, oldest first, with how much each holds."""
    found = await core.projects.all(scope)
    counts = (await core.stats(scope)).by_project
    if as_json:
        items = [
            {
                "id": project.id,
                "key": project.key,
                "slug": project.slug,
                "name": project.name,
                "description": project.description,
                "stack": list(project.stack),
                "created_at": to_rfc3339(project.created_at),
                "updated_at": to_rfc3339(project.updated_at),
                "memories": counts.get(project.key, 0),
            }
            for project in found
        ]
        output.print_json({"items": items, "total": len(items)})
        return
    if not found:
        output.remark("There are no projects yet. remember --project NAME makes one.")
        return
    rows = [
        (project.key, project.name, str(counts.get(project.key, 0)), output.ago(project.created_at))
        for project in found
    ]
    output.show(output.table("Project", "Name", "Memories", "Made", rows=rows, right=["Memories"]))


@core_command(app)
async def stats(core: Core, scope: Scope, as_json: AsJson = False) -> None:
    """Count what is kept."""
    counts = await core.stats(scope)
    model = core.embedder.model
    if as_json:
        output.print_json(
            {
                "memories": counts.memories,
                "forgotten": counts.forgotten,
                "expired": counts.expired,
                "superseded": counts.superseded,
                "unassigned": counts.unassigned,
                "by_kind": dict(counts.by_kind),
                "by_delivery": dict(counts.by_delivery),
                "by_project": dict(counts.by_project),
                "without_vector": counts.without_vector,
                "bytes_on_disk": counts.bytes_on_disk,
                "embedding_model": None if model is None else model.name,
            }
        )
        return
    output.show(
        output.fields(
            [
                ("Memories", str(counts.memories)),
                ("In the trash", str(counts.forgotten)),
                ("Expired", str(counts.expired)),
                ("Superseded", str(counts.superseded)),
                ("Found by words only", str(counts.without_vector)),
                ("On disk", output.size(counts.bytes_on_disk)),
                ("Embedding model", "none" if model is None else model.name),
                ("Kinds", ", ".join(f"{kind} {count}" for kind, count in counts.by_kind.items()) or "none"),
                ("Projects", ", ".join(f"{key} {count}" for key, count in counts.by_project.items()) or "none"),
            ]
        )
    )
