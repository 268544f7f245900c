"""The context document in the terminal."""

from tests.cli.conftest import Polymem


def test_context_writes_the_document_of_a_project(polymem: Polymem) -> None:
    polymem.called("remember", "We chose PostgreSQL", "--project", "home", "--kind", "decision")
    document = polymem.called("context", "home")
    assert document.code == 0
    assert document.stdout.startswith("# home\n")
    assert "  > We chose PostgreSQL\n" in document.stdout
    assert polymem.called("context", "home").stdout == document.stdout

    told = polymem.called("context", "home", "--json").json
    assert told["markdown"] == document.stdout
    assert told["left_out"] == {"sessions": 0, "memories": 0, "tasks": 0}
    assert "Nothing changed." in polymem.called("context", "home", "--since", told["as_of"]).stdout


def test_context_refuses_what_cannot_be(polymem: Polymem) -> None:
    polymem.called("remember", "A fact", "--project", "home")
    assert polymem.called("context", "nowhere").code == 3
    assert polymem.called("context", "home", "--max-tokens", "5").code == 2
    assert polymem.called("context", "home", "--since", "yesterday").code == 2
