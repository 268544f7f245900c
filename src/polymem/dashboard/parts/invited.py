"""What becomes of an invitation's link."""

from polymem.core.people.invitations import Sent
from polymem.dashboard.parts.elements import command, text


def draw_link(sent: Sent) -> None:
    """The link, and whether a mail takes it to whom it is for."""
    text(
        "A mail with this link is on its way." if sent.mailed else "Pass this link on: no mail was sent.",
        "pm-soft",
        "p",
    )
    command(sent.link)
