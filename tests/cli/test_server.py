"""The command beside a running server, on the same data directory: what one writes the other sees at once."""

from collections.abc import Iterator

import pytest

from polymem.client import Client, NotAuthenticated
from tests.cli.conftest import MakePolymem, Polymem
from tests.conftest import MakeSettings
from tests.serving import Server, serving


@pytest.fixture(scope="module")
def running(make_settings: MakeSettings, make_polymem: MakePolymem) -> Iterator[tuple[Server, Polymem]]:
    """A server of its own, and the command over its data directory."""
    settings = make_settings()
    with serving(settings) as server:
        yield server, make_polymem(settings.data_dir)


def test_both_see_what_the_other_keeps_changes_and_forgets(running: tuple[Server, Polymem]) -> None:
    server, polymem = running
    with Client(server.url) as client:
        first = client.add("Ana prefers window seats.", project="travel")
        assert polymem.started("recall", "Where does Ana sit?", "--json").json["hits"][0]["memory"]["id"] == first.id
        second = polymem.remember("Ben drinks black tea.")
        assert client.recall("What does Ben drink?").hits[0].memory.id == second
        polymem.called("edit", second, "--content", "Ben drinks coffee.")
        assert client.recall("coffee", mode="keyword").hits[0].memory.id == second
        polymem.called("forget", second)
        assert client.recall("coffee", mode="keyword").hits == ()
        assert [version.actor for version in client.history(second)] == ["cli", "cli", "cli"]


def test_a_key_made_beside_the_server_opens_it_until_it_is_revoked(running: tuple[Server, Polymem]) -> None:
    server, polymem = running
    made = polymem.started("key", "create", "laptop", "--permissions", "read", "--expires-in-days", "30")
    assert made.code == 0
    secret = made.stdout.removesuffix("\n")
    assert secret.startswith("mk_")
    assert "\n" not in secret
    assert secret not in made.stderr
    with Client(server.url, api_key=secret) as client:
        client.stats()
        (listed,) = polymem.called("key", "list", "--json").json["items"]
        assert (listed["name"], listed["permissions"], listed["revoked_at"]) == ("laptop", ["read"], None)
        assert secret not in polymem.called("key", "list").stdout
        assert polymem.called("key", "revoke", listed["id"]).code == 0
        with pytest.raises(NotAuthenticated):
            client.stats()
    assert "revoked just now" in polymem.called("key", "list").stdout


def test_a_project_key_reaches_its_project_only(running: tuple[Server, Polymem]) -> None:
    server, polymem = running
    with Client(server.url) as owner:
        owner.add("Ana prefers window seats.", project="air")
        owner.add("Nothing to do with it.")
    secret = polymem.called("key", "create", "--project", "air").stdout.strip()
    assert secret.startswith("sk_im_")
    with Client(server.url, api_key=secret) as client:
        assert [memory.project for memory in client.iterate()] == ["air"]


def test_organizations_are_listed_and_chosen(running: tuple[Server, Polymem]) -> None:
    server, polymem = running
    scope = server.new_organization()
    organizations = polymem.called("organization", "list", "--json").json["items"]
    (slug,) = [one["slug"] for one in organizations if one["id"] == scope.organization_id]
    polymem.remember("A secret of theirs", "--organization", slug)
    assert polymem.called("list", "--json", "--organization", slug).json["total"] == 1
    assert polymem.called("list", "--json", "--text", "secret").json["total"] == 0
    secret = polymem.called("key", "create", "--organization", slug).stdout.strip()
    with Client(server.url, api_key=secret) as client:
        assert client.stats().memories == 1


def test_doctor_knows_the_server_and_the_model(running: tuple[Server, Polymem]) -> None:
    server, polymem = running
    outcome = polymem.started("doctor", "--url", server.url, "--json")
    assert outcome.code == 0, outcome.stdout
    assert outcome.json["healthy"] is True
    findings = {item["subject"]: item for item in outcome.json["items"]}
    assert findings.keys() == {"Python", "polymem", "Data directory", "Disk", "Database", "Embedding model", "Server"}
    assert findings["Server"]["sentence"] == f"The one at {server.url} is ok."
    assert "384 dimensions" in findings["Embedding model"]["sentence"]


def test_a_backup_of_a_running_server_verifies(
    running: tuple[Server, Polymem], make_polymem: MakePolymem, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, polymem = running
    folder = tmp_path_factory.mktemp("restored")
    assert polymem.called("backup", str(folder / "polymem.db")).code == 0
    assert polymem.called("verify").code == 0
    assert make_polymem(folder).called("verify").code == 0
