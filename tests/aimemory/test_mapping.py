"""The pure parts, and a page for a host that means harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request

from polymem.dialects.aimemory import mapping
from polymem.dialects.aimemory.routes import pages
from polymem.dialects.dialect import DialectOptions


@given(st.text())
def test_a_stack_comes_back_byte_for_byte(stack: str) -> None:
    assert ", ".join(mapping.to_stack(stack)) == stack


def test_a_user_has_the_same_number_every_time_and_their_own() -> None:
    assert mapping.user_number("a") == mapping.user_number("a") != mapping.user_number("b")
    assert mapping.user_number("a") < 2**53


@pytest.mark.parametrize("root", ["", "/aimemory"])
async def test_a_host_that_is_markup_stays_text(root: str) -> None:
    app = Starlette()
    app.state.options = DialectOptions(version="1", dashboard=True)
    scope = {"type": "http", "method": "GET", "path": "/admin/", "query_string": b"", "scheme": "http"}
    for page in (pages.mcp_setup, pages.admin):
        headers = [(b"host", b'x"><script>alert(1)</script>')]
        answer = await page(Request({**scope, "root_path": root, "app": app, "headers": headers}))
        assert b"<script>alert" not in bytes(answer.body)
