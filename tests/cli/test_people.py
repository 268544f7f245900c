"""Accounts, tokens, keys, projects and organizations from the terminal, also beside a running server."""

from pathlib import Path

import pytest

from polymem.cli.exits import ExitCode
from tests.cli.conftest import Polymem
from tests.conftest import MakeSettings
from tests.serving import serving


def test_each_secret_stands_alone_on_stdout_and_opens_a_running_server(
    polymem: Polymem, make_settings: MakeSettings
) -> None:
    polymem.called("organization", "list")
    with serving(make_settings(auth="required", embedder="none", data_dir=Path(polymem.data_dir))) as server:
        made = polymem.called("user", "create", "ana", "--email", "ana@example.org", "--password", "pw")
        assert made.code == ExitCode.DONE
        assert "--organization ana" in made.stderr
        token = polymem.called("token", "create", "ana").stdout
        key = polymem.called("key", "create", "--organization", "ana", "--project", "trip").stdout
        whole = polymem.called("key", "create", "--organization", "ana", "--permissions", "read").stdout
        assert [text.count("\n") for text in (token, key, whole)] == [1, 1, 1]
        assert (key[:6], whole[:3]) == ("sk_im_", "mk_")
        with server.client(token.strip()) as ana, server.client(key.strip()) as program:
            assert ana.get("/v1/me").json()["user"]["email"] == "ana@example.org"
            assert program.post("/v1/memories", json={"content": "Lisbon."}).status_code == 201
            (project,) = ana.get("/v1/projects").json()["items"]
            assert project["key"] == "trip"
            assert ana.get("/v1/memories").json()["total"] == 1
        with server.client(whole.strip()) as reader:
            assert reader.post("/v1/memories", json={"content": "x"}).status_code == 403
            assert reader.get("/v1/memories").json()["total"] == 1
        with server.client() as browser:
            body = {"login": "ana", "password": "pw"}
            assert browser.post("/v1/auth/login", json=body).status_code == 200


def test_an_organization_is_named_by_slug_or_name(polymem: Polymem) -> None:
    polymem.called(
        "user", "create", "ana", "--email", "a@example.org", "--password", "-", "--organization", "My Team",
        stdin=b"secret\n",
    )  # fmt: skip
    for name in ("my-team", "My Team"):
        assert polymem.called("key", "create", "--organization", name).code == ExitCode.DONE
    assert polymem.called("organization", "create", "Second", "--owner", "ana").stdout == "second\n"
    slugs = [one["slug"] for one in polymem.called("organization", "list", "--json").json["items"]]
    assert slugs == ["local", "my-team", "second"]


def test_accounts_are_listed_reset_and_ended(polymem: Polymem) -> None:
    for name in ("ana", "bo"):
        polymem.called("user", "create", name, "--email", f"{name}@example.org", "--password", "pw")
    listed = polymem.called("user", "list", "--json").json
    assert [(one["name"], one["active"]) for one in listed["items"]] == [("ana", True), ("bo", True)]
    assert "/reset-password/pr_" in polymem.called("user", "reset-link", "ana@example.org").stdout
    refused = polymem.called("user", "deactivate", "ana")
    assert refused.code == ExitCode.CONFLICT
    assert "owner of 1 organization(s): ana" in refused.stderr
    polymem.called("project", "create", "trip", "--organization", "ana")
    removed = polymem.called("project", "delete", "trip", "--organization", "ana", "--yes")
    assert removed.stdout == "Removed trip with 0 memories and 0 keys\n"
    assert polymem.called("organization", "delete", "ana", "--yes").code == ExitCode.DONE
    assert polymem.called("user", "deactivate", "ana").code == ExitCode.DONE
    assert polymem.called("organization", "delete", "local", "--yes").code == ExitCode.CONFLICT


def test_tokens_are_listed_without_their_secrets_and_revoked(polymem: Polymem) -> None:
    polymem.called("user", "create", "ana", "--email", "ana@example.org", "--password", "pw")
    secret = polymem.called("token", "create", "ana", "--name", "scripts").stdout.strip()
    (token,) = polymem.called("token", "list", "ana", "--json").json["items"]
    assert token["name"] == "scripts"
    assert secret.startswith(token["prefix"])
    assert secret not in str(token)
    assert polymem.called("token", "revoke", "ana", token["id"]).code == ExitCode.DONE
    assert polymem.called("token", "revoke", "ana", token["id"]).code == ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["user", "create", "ana", "--email", "nowhere", "--password", "pw"], ExitCode.INVALID_INPUT),
        (["user", "create", " ", "--email", "a@b", "--password", "pw"], ExitCode.INVALID_INPUT),
        (["user", "create", "ana", "--email", "a@b", "--password", ""], ExitCode.INVALID_INPUT),
        (["token", "create", "nobody"], ExitCode.NOT_FOUND),
        (["user", "reset-link", "nobody"], ExitCode.NOT_FOUND),
        (["key", "create", "--expires-in-days", "0"], ExitCode.INVALID_INPUT),
        (["key", "create", "--organization", "nowhere"], ExitCode.NOT_FOUND),
        (["project", "delete", "nothing", "--yes"], ExitCode.NOT_FOUND),
    ],
)
def test_a_mistake_has_its_code_and_leaves_nothing_behind(
    polymem: Polymem, arguments: list[str], code: ExitCode
) -> None:
    outcome = polymem.called(*arguments)
    assert (outcome.code, outcome.stdout) == (code, "")
    assert outcome.stderr.startswith("Error: ")
    assert polymem.called("user", "list", "--json").json["total"] == 0
