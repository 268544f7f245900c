"""Small elements: text, links, buttons, cards, empty states, problems, and handlers whose errors become sentences.

Everything that comes from outside is put in as text or as the value of a property, where it is no markup. Never put it
into the strings that `props`, `style` and `classes` take apart, into keys that begin with ":", or into scripts.
"""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any

import markdown2
from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from polymem.core.errors import NotAuthenticated, PolymemError
from polymem.dashboard.visit import Visit

_logger = logging.getLogger(__name__)

_DESCRIBED_IMAGE, _IMAGE = re.compile(r'<img\b[^>]*?\balt="([^"]*)"[^>]*>'), re.compile(r"<img\b[^>]*>")
_MOST_MARKDOWN = 200_000
"""Characters of a text that are looked at for Markdown."""


def tag(name: str, classes: str = "", /, *, content: str | None = None, **attributes: str) -> ui.element:
    """An HTML element, with text in it if there is `content`; `aria_label` is the attribute aria-label."""
    element = ui.element(name) if content is None else TextElement(tag=name, text=content)
    if classes:
        element.classes(classes)
    for attribute, value in attributes.items():
        element.props[attribute.rstrip("_").replace("_", "-")] = value
    return element


def text(content: str, classes: str = "", name: str = "div") -> ui.element:
    """Text, which is never markup."""
    return tag(name, classes, content=content)


def heading(content: str, about: str = "") -> None:
    """The title of a page and, if there is one, a sentence below it."""
    with tag("div", "pm-heading"):
        text(content, name="h1")
        if about:
            text(about, "pm-soft", "p")


def card(title: str = "", classes: str = "") -> ui.element:
    """A box; what is drawn within it follows its title."""
    box = tag("section", f"pm-card {classes}")
    if title:
        box.props["aria-label"] = title
        with box:
            text(title, "pm-card-title", "h2")
    return box


def link(content: str, address: str, classes: str = "pm-link") -> ui.element:
    """A link to a page of our own."""
    return tag("a", classes, content=content, href=address)


def button(
    content: str, act: Callable[..., Any] | None = None, *, icon: str | None = None, kind: str = ""
) -> ui.button:
    """A button; `kind` is "" (plain), "main" or "bad"."""
    made = ui.button(content, icon=icon, on_click=act, color=None).props("no-caps unelevated")
    return made.classes(f"pm-button {f'pm-{kind}' if kind else ''}")


def icon_button(icon: str, label: str, act: Callable[..., Any] | None = None) -> ui.button:
    """A button that shows an icon, and says `label` to those who do not see it."""
    made = ui.button(icon=icon, on_click=act, color=None).props("flat round dense").classes("pm-icon-button")
    made.props["aria-label"] = label
    made.props["title"] = label
    return made


def badge(content: str, classes: str = "") -> ui.element:
    """A short word in a pill."""
    return tag("span", f"pm-badge {classes}", content=content)


def fact(name: str, value: str) -> None:
    """A line of a list of facts; draw it inside `tag("dl", "pm-facts")`."""
    with tag("div"):
        text(name, name="dt")
        text(value, name="dd")


def command(line: str) -> None:
    """A line to try in a terminal, with a button that copies it."""
    with tag("div", "pm-command"):
        tag("code", content=line, tabindex="0")
        copy_button(line)


def copy_button(value: str, label: str = "Copy") -> ui.button:
    """A button that copies `value`."""
    made = icon_button("content_copy", label)
    # In the browser alone, since only a press of a button may write to the clipboard.
    handler = f"(event) => polymemCopy({json.dumps(value)}, event)"
    return made.on("click", js_handler=handler.replace("<", "\\u003c"))


def empty(icon: str, title: str, about: str, commands: Sequence[str] = ()) -> ui.element:
    """What stands where nothing is yet: what would be here, and how to get it here."""
    box = tag("div", "pm-empty")
    with box:
        ui.icon(icon).classes("pm-empty-icon")
        text(title, name="h2")
        text(about, "pm-soft", "p")
        for line in commands:
            command(line)
    return box


def problem(visit: Visit, told: str) -> None:
    """What went wrong, in a sentence, and a way out."""
    with tag("div", "pm-problem", role="alert"):
        text("That did not work", name="h1")
        text(told if told.endswith((".", "!", "?")) else f"{told}.", name="p")
        if visit.organization is None:
            link("To your organizations", visit.path("/organizations"))
        else:
            link("Back to the overview", visit.path("/"))


def say(message: str, *, bad: bool = False) -> None:
    """Tell in a corner of the page what happened."""
    ui.notify(message, color="negative" if bad else "positive", position="bottom", timeout=8000 if bad else 3000)


def attempt(work: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """The handler of an event, whose failures are told as sentences."""

    @wraps(work)
    async def handler(*args: Any) -> None:
        try:
            await work(*args)
        except NotAuthenticated:
            ui.navigate.to("/sign-in")
        except PolymemError as error:
            say(str(error), bad=True)
        except Exception:
            _logger.exception("an action of a page failed")
            say("Something went wrong on the server. Its log tells more.", bad=True)

    return handler


def dialog_of(name: str) -> ui.dialog:
    """An empty dialog. It belongs to the page as a whole: what is drawn again meanwhile does not take it away."""
    with ui.context.client.content:
        dialog = ui.dialog()
    dialog.props["aria-label"] = name
    return dialog


def put_away(dialog: ui.dialog) -> None:
    """Remove a dialog that was closed; or it went with its page, while it was open."""
    if not dialog.is_deleted:
        dialog.delete()


async def confirmed(question: str, about: str, yes: str) -> bool:
    """Ask before something that is hard to undo."""
    with dialog_of(question) as dialog, tag("div", "pm-dialog", role="document"):
        text(question, name="h2")
        text(about, "pm-soft", "p")
        with tag("div", "pm-actions"):
            button("Cancel", lambda: dialog.submit(False))
            button(yes, lambda: dialog.submit(True), kind="bad")
    answer = bool(await dialog)
    put_away(dialog)
    return answer


def markdown(content: str) -> None:
    """A text that came from outside, as Markdown. HTML in it is shown, not obeyed, of images there is the description
    alone (their address would tell another server who reads what), and what comes of it is cleaned once more in the
    browser."""
    made = markdown2.markdown(content[:_MOST_MARKDOWN], safe_mode="escape", extras=["fenced-code-blocks", "tables"])
    ui.html(_IMAGE.sub("", _DESCRIBED_IMAGE.sub(r"\1", made)), sanitize=True).classes("pm-markdown")
