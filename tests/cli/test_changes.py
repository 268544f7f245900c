"""The past, changes and findings from a terminal."""

import pytest

from tests.cli.conftest import Polymem


def recorded(polymem: Polymem, memory_id: str) -> list[str]:
    return [entry["recorded_at"] for entry in polymem.called("history", memory_id, "--json").json["items"]]


def test_recall_list_and_show_go_back_to_what_was_known_then(polymem: Polymem) -> None:
    memory_id = polymem.remember("Ana lives in Lisbon")
    polymem.called("edit", memory_id, "--content", "Ana lives in Porto")
    then = recorded(polymem, memory_id)[0]

    def found(*arguments: str) -> list[str]:
        outcome = polymem.called("recall", "Where does Ana live?", "--json", *arguments)
        return [hit["memory"]["content"] for hit in outcome.json["hits"]]

    assert found() == found("--as-of", "2999-01-01") == ["Ana lives in Porto"]
    assert found("--as-of", then) == ["Ana lives in Lisbon"]
    assert found("--as-of", "2020-01-31") == []
    listed = polymem.called("list", "--as-of", then, "--json").json
    assert [item["content"] for item in listed["items"]] == ["Ana lives in Lisbon"]
    assert polymem.called("show", memory_id, "--as-of", then, "--json").json["content"] == "Ana lives in Lisbon"
    assert polymem.called("show", memory_id, "--as-of", "2020-01-31").code == 3


def test_changes_tell_how_when_by_whom_and_why(polymem: Polymem) -> None:
    memory_id = polymem.remember("Ana lives in Lisbon")
    assert polymem.called("validate", memory_id, "--note", "she said so").stdout == (
        f"Validated {memory_id}: trust 0.71, medium\n"
    )
    assert polymem.called("contradict", memory_id).stdout == f"Contradicted {memory_id}: trust 0.24, low\n"
    polymem.called("forget", memory_id)

    told = polymem.called("changes", "--since", "2020-01-31", "--json").json
    assert [(item["change"], item["note"], item["actor"]) for item in told["items"]] == [
        ("forgotten", None, "cli"),
        ("contradicted", None, "cli"),
        ("validated", "she said so", "cli"),
        ("created", None, "cli"),
    ]
    some = polymem.called(
        *["changes", "--since", "2020-01-31", "--change", "validated", "--change", "created", "--ascending", "--json"]
    ).json
    assert [item["change"] for item in some["items"]] == ["created", "validated"]
    shown = polymem.called("changes", "--since", "2020-01-31", "--limit", "3").stdout
    assert "validated: she said so" in shown
    assert "Ana lives in Lisbon" in shown
    assert polymem.called("changes", "--since", "2020-01-31", "--until", "2020-01-31", "--json").json["total"] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("changes",),
        ("changes", "--since", "yesterday"),
        ("changes", "--since", "2026-02-30"),
        ("recall", "x", "--as-of", "soon"),
        ("recall", "x", "--true-at", "soon"),
        ("list", "--as-of", "2026-01-31", "--trash"),
    ],
)
def test_an_instant_that_is_none_is_refused(polymem: Polymem, arguments: tuple[str, ...]) -> None:
    assert polymem.called(*arguments).code == 2
