"""mememory's resources: which there are. What they hold is in `polymem.mcp.delivered`."""

from polymem.mcp.catalog import Resource

RESOURCES = (
    Resource(
        uri="mememory://bootstrap",
        name="bootstrap",
        title="Told at the start of every session",
        description="Global memories delivered as bootstrap.",
        mime_type="text/plain",
    ),
    Resource(
        uri="mememory://pinned",
        name="pinned",
        title="Told with every prompt",
        description="Global memories that are pinned.",
        mime_type="text/plain",
    ),
    Resource(
        uri="mememory://bootstrap/{project}",
        name="project-bootstrap",
        title="Told at the start of every session on a project",
        description="Memories delivered as bootstrap: global ones, and those of the project.",
        mime_type="text/plain",
    ),
    Resource(
        uri="mememory://pinned/{project}",
        name="project-pinned",
        title="Told with every prompt on a project",
        description="Memories that are pinned: global ones, and those of the project.",
        mime_type="text/plain",
    ),
)
