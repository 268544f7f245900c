"""What is said of each thing that can be wrong, word for word."""

from typing import Any

import httpx2
import pytest

from polymem.core.errors import Conflict, Forbidden, InvalidInput, PolymemError, TooManyRequests, Unavailable
from polymem.dialects.aimemory.errors import render
from polymem.dialects.kit import BodyTooLarge, MisdirectedRequest
from tests.aimemory.conftest import client
from tests.serving import Server

REQUIRED = ["This field is required."]
NULL = ["This field may not be null."]
BLANK = ["This field may not be blank."]
TEXT = ["Not a valid string."]
WHOLE = ["A valid integer is required."]
WRONG_DATE = [
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
]
SLUG = ['Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.']
AT_MOST, AT_LEAST = (
    ["Ensure this value is less than or equal to 10."],
    ["Ensure this value is greater than or equal to 1."],
)
NOBODY = "00000000-0000-4000-8000-000000000000"

GOOD: dict[str, dict[str, Any]] = {
    "projects": {"name": "Errors"},
    "memories": {"project": "my-project", "memory_type": "fact", "content": "A fact"},
    "sessions": {"project": "my-project"},
    "tasks": {"project": "my-project", "title": "A task"},
    "snippets": {"project": "my-project", "name": "A snippet", "code": "pass"},
}

TABLE: list[tuple[str, str, Any, Any]] = [
    ("projects", "name", None, NULL),
    ("projects", "name", "", BLANK),
    ("projects", "name", "  ", BLANK),
    ("projects", "name", True, TEXT),
    ("projects", "name", ["x"], TEXT),
    ("projects", "name", "x" * 101, ["Ensure this field has no more than 100 characters."]),
    ("projects", "name", "nul \x00", ["Null characters are not allowed."]),
    ("projects", "slug", "not a slug", SLUG),
    ("projects", "slug", "são", SLUG),
    ("projects", "stack", ["Python"], TEXT),
    ("projects", "is_active", "maybe", ["Must be a valid boolean."]),
    ("memories", "project", None, NULL),
    ("memories", "project", "nowhere", ["Object with slug=nowhere does not exist."]),
    ("memories", "project", NOBODY, [f'Invalid pk "{NOBODY}" - object does not exist.']),
    ("memories", "project", ["x"], ["Incorrect type. Expected pk value, received list."]),
    ("memories", "memory_type", "foo", ['"foo" is not a valid choice.']),
    ("memories", "memory_type", "Fact", ['"Fact" is not a valid choice.']),
    ("memories", "memory_type", None, NULL),
    ("memories", "content", None, NULL),
    ("memories", "content", "", BLANK),
    ("memories", "content", " \n\t", BLANK),
    ("memories", "content", {"a": 1}, TEXT),
    ("memories", "content", False, TEXT),
    ("memories", "content", "nul \x00", ["Null characters are not allowed."]),
    ("memories", "content", "x" * (1024 * 1024 + 1), ["content is larger than 1048576 bytes"]),
    ("memories", "context", ["x"], TEXT),
    ("memories", "importance", "high", WHOLE),
    ("memories", "importance", True, WHOLE),
    ("memories", "importance", 5.5, WHOLE),
    ("memories", "importance", [5], WHOLE),
    ("memories", "importance", None, NULL),
    ("memories", "importance", 11, AT_MOST),
    ("memories", "importance", 0, AT_LEAST),
    ("memories", "importance", 10**30, AT_MOST),
    ("memories", "tags", "database", ['Expected a list of items but got type "str".']),
    ("memories", "tags", {"a": 1}, ['Expected a list of items but got type "dict".']),
    ("memories", "tags", None, NULL),
    ("memories", "tags", ["a", True], {"1": TEXT}),
    ("memories", "tags", ["", "b", {}], {"0": BLANK, "2": TEXT}),
    ("sessions", "summary", {}, TEXT),
    ("sessions", "accomplished", "everything", ['Expected a list of items but got type "str".']),
    ("sessions", "next_steps", [None], {"0": NULL}),
    ("sessions", "blockers", 5, ['Expected a list of items but got type "int".']),
    ("tasks", "title", None, NULL),
    ("tasks", "title", " ", BLANK),
    ("tasks", "title", "x" * 256, ["Ensure this field has no more than 255 characters."]),
    ("tasks", "status", "done", ['"done" is not a valid choice.']),
    ("tasks", "priority", 11, AT_MOST),
    ("tasks", "priority", -1, AT_LEAST),
    ("tasks", "priority", "urgent", WHOLE),
    ("tasks", "due_date", "tomorrow", WRONG_DATE),
    ("tasks", "due_date", 5, WRONG_DATE),
    ("tasks", "due_date", "2026-02-30T00:00:00Z", WRONG_DATE),
    ("tasks", "tags", 5, ['Expected a list of items but got type "int".']),
    ("snippets", "name", "", BLANK),
    ("snippets", "code", None, NULL),
    ("snippets", "code", "  \n", BLANK),
    ("snippets", "language", ["python"], TEXT),
    ("snippets", "line_start", 0, AT_LEAST),
    ("snippets", "line_start", "first", WHOLE),
]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("resource", "field", "value", "said"), TABLE)
def test_a_wrong_field_is_told_by_its_name(
    api: httpx2.Client, resource: str, field: str, value: Any, said: Any
) -> None:
    answer = api.post(f"/api/{resource}/", json=GOOD[resource] | {field: value})
    assert (answer.status_code, answer.json()) == (400, {field: said})
    assert len(api.get(f"/api/{resource}/").json()) == (1 if resource == "projects" else 0)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("resource", "field", "value", "said"), [row for row in TABLE if row[0] != "projects"][::4])
def test_a_change_is_held_to_the_same_rules(
    api: httpx2.Client, resource: str, field: str, value: Any, said: Any
) -> None:
    made = api.post(f"/api/{resource}/", json=GOOD[resource]).json()
    answer = api.patch(f"/api/{resource}/{made['id']}/", json={field: value})
    assert (answer.status_code, answer.json()) == (400, {field: said})
    assert api.get(f"/api/{resource}/").json() == [made]


@pytest.mark.parametrize(
    ("resource", "required"),
    [
        ("projects", {"name"}),
        ("memories", {"project", "memory_type", "content"}),
        ("sessions", {"project"}),
        ("tasks", {"project", "title"}),
        ("snippets", {"project", "name", "code"}),
        ("auth/login", {"username", "password"}),
    ],
)
def test_all_missing_fields_are_told_at_once(api: httpx2.Client, resource: str, required: set[str]) -> None:
    ways: list[dict[str, Any]] = [{"json": {}}, {"content": b""}, {"json": {"unknown": 1}}]
    for sent in ways:
        answer = api.post(f"/api/{resource}/", **sent)
        assert (answer.status_code, answer.json()) == (400, dict.fromkeys(required, REQUIRED))


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("resource", ["memories", "tasks", "snippets"])
def test_replacing_needs_what_making_needs(api: httpx2.Client, resource: str) -> None:
    made = api.post(f"/api/{resource}/", json=GOOD[resource]).json()
    answer = api.put(f"/api/{resource}/{made['id']}/", json={"project": "my-project"})
    assert answer.status_code == 400
    assert set(answer.json()) == set(GOOD[resource]) - {"project"}
    assert api.put(f"/api/{resource}/{made['id']}/", json=GOOD[resource]).status_code == 200


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "Authentication credentials were not provided."),
        ({"Authorization": ""}, "Authentication credentials were not provided."),
        ({"Authorization": "Bearer abc"}, "Authentication credentials were not provided."),
        ({"X-API-Key": "abc"}, "Authentication credentials were not provided."),
        ({"Authorization": "Token"}, "Invalid token header. No credentials provided."),
        ({"Authorization": "Token a b"}, "Invalid token header. Token string should not contain spaces."),
        ({"Authorization": "Token abc"}, "Invalid token."),
        ({"Authorization": "token abc"}, "Invalid token."),
        ({"Authorization": b"Token \xff"}, "Invalid token header. Token string should not contain invalid characters."),
        ({"Authorization": "Token mk_" + "x" * 43}, "Invalid token."),
    ],
)
@pytest.mark.parametrize("path", ["/api/projects/", f"/api/memories/{NOBODY}/", "/api/snippets"])
def test_whoever_is_not_known_learns_nothing_else(
    site: Server, path: str, headers: dict[str, str], detail: str
) -> None:
    answer = httpx2.get(site.url + path, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()) == (401, {"detail": detail})
    assert answer.headers["www-authenticate"] == "Token"


def test_a_token_of_an_account_that_is_no_more(site: Server) -> None:
    async def ended() -> str:
        accounts = site.core.accounts
        user = await accounts.make("gone@example.com", "Gone", "a long password")
        _, token = await accounts.create_token(user, "test")
        await accounts.deactivate(user)
        return token

    with client(site, site.run(ended())) as gone:
        answer = gone.get("/api/projects/")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


def test_what_is_no_object_or_no_json_or_no_body_we_read(api: httpx2.Client) -> None:
    answer = api.post("/api/projects/", json=["name"])
    assert answer.json() == {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}
    answer = api.post("/api/projects/", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("JSON parse error - ")
    answer = api.post("/api/projects/", content=b"name=x", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()) == (415, {"detail": 'Unsupported media type "text/plain" in request.'})


def test_forms_are_read_too(api: httpx2.Client, project: dict[str, str]) -> None:
    form = {"project": project["id"], "memory_type": "fact", "content": "From a form", "tags": ["a", "b"]}
    made = api.post("/api/memories/", data=form)
    assert made.status_code == 201, made.text
    assert made.json()["tags"] == ["a", "b"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/auth/login/", "POST"),
        ("DELETE", "/api/memories/", "GET, POST"),
        ("POST", f"/api/projects/{NOBODY}/", "GET, PUT, PATCH, DELETE"),
        ("PUT", "/api/projects/x/context/", "GET"),
    ],
)
def test_other_methods_are_not_allowed(api: httpx2.Client, method: str, path: str, allowed: str) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.json()) == (405, {"detail": f'Method "{method}" not allowed.'})
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        (f"/api/projects/{NOBODY}/", "No Project matches the given query."),
        ("/api/projects/no-such/context/", "No Project matches the given query."),
        (f"/api/memories/{NOBODY}/", "No Memory matches the given query."),
        ("/api/memories/%00/", "No Memory matches the given query."),
        (f"/api/sessions/{NOBODY}/", "No Session matches the given query."),
        (f"/api/tasks/{NOBODY}/", "No Task matches the given query."),
        (f"/api/snippets/{NOBODY}/", "No Snippet matches the given query."),
        ("/api/nothing/", "Not found."),
    ],
)
def test_what_is_not_there(api: httpx2.Client, path: str, detail: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()) == (404, {"detail": detail})


@pytest.mark.parametrize("resource", ["projects", "memories", "sessions", "tasks", "snippets"])
def test_what_is_not_there_is_told_before_what_is_wrong_with_the_body(api: httpx2.Client, resource: str) -> None:
    for method in ("PATCH", "PUT"):
        assert api.request(method, f"/api/{resource}/{NOBODY}/", content=b"{").status_code == 404
    assert api.delete(f"/api/{resource}/{NOBODY}/").status_code == 404


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/memories/?importance__gte=high", {"importance__gte": ["Enter a number."]}),
        ("/api/tasks/?priority__gte=1.5", {"priority__gte": ["Enter a number."]}),
        ("/api/memories/search/", {"q": REQUIRED}),
        ("/api/memories/search/?q=%20", {"q": REQUIRED}),
        ("/api/projects/my-project/context/?max_tokens=many", {"max_tokens": WHOLE}),
        ("/api/projects/my-project/context/?max_tokens=5", {"max_tokens": ["max_tokens must be from 256 to 1000000"]}),
        (
            "/api/projects/my-project/context/?since=yesterday",
            {"since": ["since must be a date and time like 2026-01-31T12:00:00Z"]},
        ),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_wrong_parameter_is_told(api: httpx2.Client, path: str, said: Any) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()) == (400, said)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("No."), 400),
        (BodyTooLarge("Too large."), 413),
        (Forbidden("No."), 403),
        (Conflict("Meanwhile."), 409),
        (TooManyRequests("search", 5, 7), 429),
        (MisdirectedRequest("elsewhere"), 421),
        (Unavailable("Later."), 503),
        (PolymemError("secret"), 500),
    ],
)
def test_every_error_has_a_detail(error: PolymemError, status: int) -> None:
    answer = render(error)
    assert answer.status_code == status
    body = bytes(answer.body)
    assert body.startswith(b'{"detail":"')
    assert b"secret" not in body
