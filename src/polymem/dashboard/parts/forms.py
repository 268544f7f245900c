"""A form in a dialog."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from polymem.dashboard.parts.elements import attempt, button, dialog_of, put_away, tag, text


class Form:
    """A dialog that asks for something. Draw the fields inside `with`, then wait:

    with Form("Make a key", "Make it") as form:
        name = ui.input("Name")
    await form.shown(save)

    `yes` is the button that sends it, drawn as `kind`, and `no` the one that closes it; `bad` is one more, for what is
    hard to undo, and what it does.
    """

    def __init__(
        self,
        title: str,
        yes: str,
        *,
        no: str = "Cancel",
        kind: str = "main",
        bad: tuple[str, Callable[[], Awaitable[None]]] | None = None,
    ) -> None:
        self._title = title
        self._yes = yes
        self._no = no
        self._kind = kind
        self._bad = bad
        self._drawing = ExitStack()

    def __enter__(self) -> "Form":
        self._dialog = self._drawing.enter_context(dialog_of(self._title))
        self._form = self._drawing.enter_context(tag("form", "pm-dialog"))
        text(self._title, name="h2")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            with tag("div", "pm-actions"):
                if self._bad is not None:
                    button(self._bad[0], attempt(self._bad[1]), kind="bad")
                button(self._no, self.close)
                button(self._yes, kind=self._kind).props("type=submit")
        self._drawing.close()

    async def shown(self, save: Callable[[], Awaitable[Any]] | None = None, *, stays: bool = False) -> bool:
        """Show it until it is closed; whether it was sent. It stays open while `save` refuses what was entered, and
        with `stays` afterwards, too."""
        sent = False

        async def send() -> None:
            nonlocal sent
            if save is not None:
                await save()
            sent = True
            if not stays:
                self.close()

        self._form.on("submit.prevent", attempt(send), [])
        await self._dialog
        put_away(self._dialog)
        return sent

    def close(self) -> None:
        """Close it."""
        self._dialog.submit(None)
