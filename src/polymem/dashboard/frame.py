"""What is around every page: the bar at the top, the menu at the side, and the choice of organization and project."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nicegui import ui

from polymem.dashboard.navigation import ENTRIES, Entry, Section
from polymem.dashboard.parts.elements import icon_button, link, tag, text
from polymem.dashboard.visit import ORGANIZATION_COOKIE, PROJECT_COOKIE, THEME_COOKIE, Theme, Visit

_YEAR = 365 * 24 * 60 * 60
_ALL = "all"
_THEMES: dict[Theme, tuple[Theme, str, str]] = {
    "auto": ("light", "brightness_auto", "Colours follow the system; switch to light"),
    "light": ("dark", "light_mode", "Light colours; switch to dark"),
    "dark": ("auto", "dark_mode", "Dark colours; let them follow the system"),
}


@asynccontextmanager
async def frame(visit: Visit, entry: Entry) -> AsyncIterator[None]:
    """Draw the frame, and the page inside it."""
    ui.dark_mode({"auto": None, "light": False, "dark": True}[visit.theme])
    # Opened and closed in the browser alone: NiceGUI's own drawer asks each browser that connects how wide it is.
    layout = ui.context.client.layout
    layout.props["view"] = "hHh Lpr fff"
    with layout:
        drawer = ui.element("q-drawer").props("show-if-above :width=248 :breakpoint=1023")
    with drawer, tag("div", "pm-drawer"):
        await _menu(visit, entry)
    drawer.move(target_index=0)
    with ui.header(wrap=False).classes("pm-header"):
        button = icon_button("menu", "Menu").classes("pm-menu-button")
        button.props["aria-controls"] = drawer.html_id
        button.on("click", js_handler=f"() => getElement({drawer.id}).toggle()")
        with tag("a", "pm-brand", href=visit.path("/"), aria_label="polymem, to the overview"):
            tag("span", "pm-mark", aria_hidden="true")
            tag("span", content="polymem")
        _search(visit)
        ui.space()
        _theme(visit)
        _account(visit)
    with tag("div", "pm-page") as content:
        yield
    ui.skip_link(target=content)


def choose(cookie: str, value: str) -> None:
    """Remember a choice in the browser, and draw the page again."""
    # Values are ids or words of our own; JSON makes them harmless wherever they come from.
    setting = json.dumps(f"{cookie}={value}; path=/; max-age={_YEAR if value else 0}; SameSite=Lax")
    ui.run_javascript(f"document.cookie = {setting}; location.reload();")


async def _menu(visit: Visit, current: Entry) -> None:
    with tag("div", "pm-switchers"):
        _switchers(visit)
    with tag("nav", "pm-nav", aria_label="Pages"):
        for section in Section:
            entries = [entry for entry in ENTRIES if entry.section is section and await _is_offered(visit, entry)]
            if not entries:
                continue
            text(section.value, "pm-nav-heading", "h2")
            with tag("ul"):
                for entry in entries:
                    with tag("li"), tag("a", "pm-nav-link", href=visit.path(entry.path)) as item:
                        if entry.path == current.path or current.path.startswith(entry.path + "/"):
                            item.props["aria-current"] = "page"
                        ui.icon(entry.icon)
                        tag("span", content=entry.title)
    with tag("div", "pm-nav-foot"):
        link("API documentation", visit.path("/docs"))
        text(f"polymem {visit.options.version}", "pm-soft")


async def _is_offered(visit: Visit, entry: Entry) -> bool:
    return entry.needs is None or await visit.may(entry.needs)


def _switchers(visit: Visit) -> None:
    if len(visit.organizations) > 1 and visit.organization is not None:
        ui.select(
            {organization.id: organization.name for organization in visit.organizations},
            value=visit.organization.id,
            label="Organization",
            on_change=lambda event: choose(ORGANIZATION_COOKIE, str(event.value)),
        ).props("outlined dense options-dense behavior=menu").classes("pm-select")
    options = {_ALL: "All projects"} | {project.id: project.name for project in visit.projects}
    ui.select(
        options,
        value=_ALL if visit.project is None else visit.project.id,
        label="Project",
        on_change=lambda event: choose(PROJECT_COOKIE, "" if event.value == _ALL else str(event.value)),
    ).props("outlined dense options-dense behavior=menu").classes("pm-select")


def _search(visit: Visit) -> None:
    # A form as HTML has it: it works before anything else is loaded.
    with tag("form", "pm-search", action=visit.path("/search"), method="get", role="search"):
        ui.icon("search")
        tag(
            "input",
            name="q",
            type="search",
            placeholder="Search memories",
            aria_label="Search memories",
            autocomplete="off",
            maxlength="2000",
        )
        tag("kbd", content="/", aria_hidden="true")


def _theme(visit: Visit) -> None:
    following, icon, label = _THEMES[visit.theme]
    icon_button(icon, label, lambda: choose(THEME_COOKIE, following))


def _account(visit: Visit) -> None:
    with icon_button("account_circle", f"Account: {visit.name}"), ui.menu().classes("pm-menu"):
        with tag("div", "pm-menu-head"):
            text(visit.name, "pm-strong")
            if visit.principal.user is not None:
                text(visit.principal.user.email, "pm-soft")
            if visit.organization is not None:
                text(visit.organization.name, "pm-soft")
        if visit.credential is None:
            link("Sign in as somebody else", visit.path("/sign-in"), "pm-menu-link")
        else:
            with tag("form", method="post", action=visit.path("/sign-out")):
                tag("button", "pm-menu-link", content="Sign out", type="submit")
