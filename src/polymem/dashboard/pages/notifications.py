"""What others did that concerns who looks: invitations, changed roles, keys that end."""

from polymem.core.people import InvitationView, Notification
from polymem.dashboard.parts.elements import attempt, badge, button, empty, heading, say, tag, text
from polymem.dashboard.parts.live import follow_clock
from polymem.dashboard.parts.wording import ago, when, words_of
from polymem.dashboard.visit import Visit


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Notifications", "What others did that you should know of.")
    board = _Board(visit)
    await board.draw()
    follow_clock(board.fill)


class _Board:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._drawn: object = None

    async def draw(self) -> None:
        self._body = tag("div")
        await self.fill()

    async def fill(self) -> None:
        visit = self._visit
        principal = await visit.again()
        if principal.user is None:
            if self._drawn is None:
                self._drawn = ()
                with self._body:
                    empty(
                        "notifications_none",
                        "Nobody else is here",
                        "Notifications are for accounts; one is made with the command below.",
                        ["polymem user create ana --email ana@example.org"],
                    )
            return
        notices = await visit.core.notices.newest(principal)
        pending = await visit.core.invitations.pending(principal)
        if (notices, pending) == self._drawn:
            return
        self._drawn = (notices, pending)
        self._body.clear()
        with self._body:
            for view in pending:
                with tag("article", "pm-card pm-below"):
                    self._draw_invitation(view)
            if notices.unread:
                with tag("div", "pm-actions pm-below"):
                    button("Mark all as read", attempt(self._read_all), icon="done_all")
            if not notices.items and not pending:
                empty("notifications_none", "Nothing yet", "Invitations and changes of your roles appear here.")
            with tag("ul", "pm-plain"):
                for notice in notices.items:
                    with tag("li", "pm-card pm-entry" + ("" if notice.read_at else " pm-unread")):
                        self._draw(notice)

    def _draw_invitation(self, view: InvitationView) -> None:
        who = "Somebody" if view.inviter is None else view.inviter.name
        text(f"{who} invites you to {view.organization.name}", "pm-strong", "h2")
        projects = ", ".join(project.name for project in view.projects.values())
        if projects:
            text(f"With {projects}.", "pm-soft", "p")
        button("Accept", attempt(lambda: self._accept(view)), kind="main")

    def _draw(self, notice: Notification) -> None:
        with tag("div", "pm-entry-text"):
            text(notice.title, "pm-strong")
            text(notice.message, "pm-snippet")
            with tag("div", "pm-tags"):
                badge(words_of(notice.kind.value), "pm-badge-accent")
                at = text(ago(notice.created_at, self._visit.core.clock.now()), "pm-soft", "span")
                at.props["title"] = when(notice.created_at)
        if notice.read_at is None:
            button("Mark as read", attempt(lambda: self._read(notice))).classes("pm-small")

    async def _accept(self, view: InvitationView) -> None:
        await self._visit.core.invitations.accept(await self._visit.again(), view.invitation.token)
        say(f"You belong to {view.organization.name} now")
        await self.fill()

    async def _read(self, notice: Notification) -> None:
        await self._visit.core.notices.read(await self._visit.again(), notice.id)
        await self.fill()

    async def _read_all(self) -> None:
        await self._visit.core.notices.read_all(await self._visit.again())
        await self.fill()
