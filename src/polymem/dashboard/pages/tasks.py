"""Tasks as a board: a column for each state, and forms to add, change and move them."""

from datetime import datetime

from nicegui import ui

from polymem.core.errors import InvalidInput
from polymem.core.history.timeline import from_date_or_instant
from polymem.core.model import Page
from polymem.core.people import Permission
from polymem.core.work import Task, TaskStatus, WorkFilter
from polymem.dashboard.parts.elements import (
    attempt,
    badge,
    button,
    confirmed,
    empty,
    heading,
    icon_button,
    say,
    tag,
    text,
)
from polymem.dashboard.parts.forms import Form
from polymem.dashboard.parts.live import follow_clock
from polymem.dashboard.parts.wording import ago, number, short, when
from polymem.dashboard.visit import Visit

_SHOWN = 50
_COLUMNS = {
    TaskStatus.PENDING: "To do",
    TaskStatus.IN_PROGRESS: "In progress",
    TaskStatus.COMPLETED: "Done",
    TaskStatus.CANCELLED: "Cancelled",
}


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Tasks", "What waits, what is being done, and what is finished.")
    board = _Board(visit)
    await board.draw()
    follow_clock(board.fill)


class _Board:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    async def draw(self) -> None:
        if await self._visit.can_write() and self._visit.projects:
            with tag("div", "pm-actions pm-below"):
                button("Add a task", attempt(lambda: self._edit(None)), icon="add", kind="main")
        self._body = tag("div")
        self._drawn: object = None
        await self.fill()

    async def fill(self) -> None:
        visit = self._visit
        scope = await visit.scope()
        pages: dict[TaskStatus, Page[Task]] = {
            status: await visit.core.worklog.tasks.find(scope, WorkFilter(statuses=frozenset({status})), limit=_SHOWN)
            for status in _COLUMNS
        }
        if pages == self._drawn:
            return
        self._drawn = pages
        now = visit.core.clock.now()
        writes = await visit.can_write()
        self._body.clear()
        with self._body:
            if not any(page.total for page in pages.values()):
                about = "Agents keep them with the AI Memory System's API or MCP; people add them here."
                empty("checklist", "There are no tasks", about if visit.projects else f"{about} A project comes first.")
                return
            with tag("div", "pm-board"):
                for status, page in pages.items():
                    with tag("section", "pm-column", aria_label=_COLUMNS[status]):
                        text(f"{_COLUMNS[status]} · {number(page.total)}", "pm-column-title", "h2")
                        for task in sorted(page.items, key=lambda task: -task.priority):
                            with tag("article", "pm-card pm-task"):
                                self._draw(task, now, writes)
                        if page.total > len(page.items):
                            text(f"and {number(page.total - len(page.items))} older ones", "pm-soft")

    def _draw(self, task: Task, now: datetime, writes: bool) -> None:
        with tag("div", "pm-task-head"):
            text(short(task.title, 200), "pm-strong", "h3")
            if writes:
                icon_button("edit", f"Edit {short(task.title, 60)}", attempt(lambda: self._edit(task)))
        if task.description:
            text(short(task.description, 240), "pm-snippet")
        with tag("div", "pm-tags"):
            badge(f"priority {task.priority}", "pm-badge-bad" if task.priority >= 8 else "")
            badge(task.project)
            for name in task.tags[:4]:
                badge(short(name, 40), "pm-badge-accent")
            if task.due_date is not None:
                late = task.due_date < now and task.status in (TaskStatus.PENDING, TaskStatus.IN_PROGRESS)
                due = badge(f"due {ago(task.due_date, now)}", "pm-badge-bad" if late else "pm-badge-warn")
                due.props["title"] = when(task.due_date)
        if writes:
            with tag("div", "pm-actions"):
                following = {TaskStatus.PENDING: TaskStatus.IN_PROGRESS, TaskStatus.IN_PROGRESS: TaskStatus.COMPLETED}
                onward = following.get(task.status, TaskStatus.PENDING)
                label = {TaskStatus.IN_PROGRESS: "Start", TaskStatus.COMPLETED: "Finish"}.get(onward, "Reopen")
                made = button(label, attempt(lambda: self._move(task, onward))).classes("pm-small")
                made.props["aria-label"] = f"{label}: {short(task.title, 60)}"

    async def _move(self, task: Task, status: TaskStatus) -> None:
        scope = await self._visit.whole(Permission.WRITE)
        await self._visit.core.worklog.tasks.revise(scope, task.id, {"status": status})
        await self.fill()

    async def _edit(self, task: Task | None) -> None:
        visit = self._visit
        title = "Add a task" if task is None else "Edit the task"
        chosen = visit.projects[0] if visit.project is None else visit.project
        bad = None if task is None else ("Remove", lambda: remove())
        with Form(title, "Save", bad=bad) as form:
            name = ui.input("Title", value="" if task is None else task.title).props("outlined dense autofocus")
            about = ui.textarea("Description", value="" if task is None else task.description)
            about.props("outlined dense autogrow")
            project = ui.select(
                {one.id: one.name for one in visit.projects},
                label="Project",
                value=chosen.id if task is None else task.project_id,
            ).props("outlined dense options-dense behavior=menu")
            status = ui.select(
                {one.value: words for one, words in _COLUMNS.items()},
                label="State",
                value=TaskStatus.PENDING.value if task is None else task.status.value,
            ).props("outlined dense options-dense behavior=menu")
            priority = ui.input("Priority, 1 to 10", value=str(5 if task is None else task.priority))
            priority.props("outlined dense inputmode=numeric")
            due = ui.input("Due (UTC date)", value=f"{task.due_date:%Y-%m-%d}" if task and task.due_date else "")
            due.props("outlined dense")
            tags = ui.input("Tags, separated by commas", value=", ".join(task.tags) if task else "")
            tags.props("outlined dense")

        async def save() -> None:
            values = {
                "title": name.value or "",
                "description": about.value or "",
                "status": TaskStatus(status.value),
                "priority": _whole(priority.value or ""),
                "due_date": from_date_or_instant(due.value, "Due", end_of_day=True) if due.value else None,
                "tags": tuple(one.strip() for one in (tags.value or "").split(",") if one.strip()),
            }
            tasks = visit.core.worklog.tasks
            scope = await visit.whole(Permission.WRITE)
            if task is None:
                await tasks.add(scope, str(project.value), values)
            else:
                await tasks.revise(scope, task.id, values, project=str(project.value))
            say("Saved")
            await self.fill()

        async def remove() -> None:
            assert task is not None
            if await confirmed("Remove this task?", f"“{short(task.title, 80)}” is removed for good.", "Remove"):
                await visit.core.worklog.tasks.remove(await visit.whole(Permission.WRITE), task.id)
                form.close()
                await self.fill()

        await form.shown(save)


def _whole(entered: str) -> int:
    if not entered.strip().isdecimal():
        raise InvalidInput("priority must be a whole number from 1 to 10", field="priority")
    return int(entered)
