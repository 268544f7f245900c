"""Finding, listing and counting from a terminal."""

import pytest

from tests.cli.conftest import MakePolymem, Polymem


@pytest.fixture(scope="module")
def library(make_polymem: MakePolymem) -> tuple[Polymem, dict[str, str]]:
    """A command with memories to find, and their ids by a word of theirs."""
    polymem = make_polymem()
    ids = {
        "seat": polymem.remember("Ana prefers window seats.", "-p", "travel", "-t", "people", "-t", "air"),
        "tea": polymem.remember("Ben drinks black tea.", "-p", "office", "-t", "people", "-k", "preference"),
        "harbour": polymem.remember("The harbour office opens at seven.", "--container", "doc-1"),
        "old": polymem.remember("Ben drinks coffee."),
    }
    ids["new"] = polymem.remember("Ben no longer drinks coffee.", "--supersedes", ids["old"])
    return polymem, ids


def found(polymem: Polymem, *arguments: str) -> list[str]:
    outcome = polymem.called("recall", *arguments, "--json")
    assert outcome.code == 0, outcome.stderr
    return [hit["memory"]["id"] for hit in outcome.json["hits"]]


def test_recall_finds_by_meaning_and_narrows_by_options(library: tuple[Polymem, dict[str, str]]) -> None:
    polymem, ids = library
    assert found(polymem, "Which place on a plane does she like?")[0] == ids["seat"]
    assert found(polymem, "What does Ben drink?", "--project", "office") == [ids["tea"]]
    assert found(polymem, "anything", "--min-score", "0", "--kind", "preference") == [ids["tea"]]
    assert found(polymem, "anything", "--min-score", "0", "--tag", "people", "--tag", "air") == [ids["seat"]]
    assert found(polymem, "anything", "--min-score", "0", "--container", "doc-1") == [ids["harbour"]]
    assert found(polymem, "coffee", "--mode", "keyword") == [ids["new"]]
    assert set(found(polymem, "coffee", "--mode", "keyword", "--superseded")) == {ids["old"], ids["new"]}
    assert found(polymem, "coffee", "--min-score", "1") == []
    assert len(found(polymem, "anything", "--min-score", "0", "--limit", "2", "--offset", "1")) == 2


def test_recall_shows_scores_texts_and_where_they_belong(library: tuple[Polymem, dict[str, str]]) -> None:
    polymem, ids = library
    shown = polymem.called("recall", "window seats", "--limit", "1", "--explain").stdout
    for part in ("Ana prefers window seats.", ids["seat"], "travel", "#people #air", "just now", "meaning rank 1"):
        assert part in shown
    assert polymem.called("recall", "coffee", "--min-score", "1").stdout == "Nothing found.\n"


def test_explain_gives_every_signal_to_programs(library: tuple[Polymem, dict[str, str]]) -> None:
    polymem, _ = library
    (hit,) = polymem.called("recall", "window seats", "--limit", "1", "--explain", "--json").json["hits"]
    assert hit["explain"]["dense_rank"] == hit["explain"]["keyword_rank"] == hit["explain"]["rank"] == 1
    assert hit["explain"]["factors"].keys() >= {"meaning", "words"}


def test_lists_are_filtered_sorted_and_paged_with_true_totals(library: tuple[Polymem, dict[str, str]]) -> None:
    polymem, ids = library

    def listed(*arguments: str) -> list[str]:
        return [memory["id"] for memory in polymem.called("list", *arguments, "--json").json["items"]]

    newest_first = [ids[name] for name in ("new", "old", "harbour", "tea", "seat")]
    assert listed() == newest_first
    assert listed("--sort", "created_at", "--ascending") == newest_first[::-1]
    assert listed("--no-project") == [ids["new"], ids["old"], ids["harbour"]]
    assert listed("--project", "travel", "--no-project", "--text", "WINDOW") == [ids["seat"]]
    page = polymem.called("list", "--limit", "2", "--offset", "1", "--json").json
    assert (len(page["items"]), page["total"], page["limit"], page["offset"]) == (2, 5, 2, 1)
    shown = polymem.called("list", "--limit", "2", "--offset", "1")
    assert shown.stderr == "2–3 of 5\n"
    assert ids["old"] in shown.stdout
    assert "superseded" in shown.stdout


def test_why_not_names_the_stage_and_the_remedy(library: tuple[Polymem, dict[str, str]]) -> None:
    polymem, ids = library
    told = polymem.called("why-not", ids["old"], "coffee")
    assert told.stdout.startswith(f"not found: Memory {ids['new']} supersedes it.\ntry: ask for superseded")
    assert polymem.called("why-not", ids["tea"], "tea", "-p", "travel", "--json").json["stage"] == "filter"
    returned = polymem.called("why-not", ids["tea"], "tea", "--json").json
    assert (returned["stage"], returned["rank"]) == ("returned", 1)
    assert returned["explain"]["keyword_rank"] == 1


def test_projects_and_stats_count_what_is_there(library: tuple[Polymem, dict[str, str]]) -> None:
    polymem, _ = library
    projects = polymem.called("projects", "--json").json["items"]
    assert [(project["key"], project["memories"]) for project in projects] == [("travel", 1), ("office", 1)]
    assert "travel" in polymem.called("projects").stdout
    stats = polymem.called("stats", "--json").json
    assert (stats["memories"], stats["superseded"], stats["unassigned"]) == (5, 1, 3)
    assert stats["by_kind"] == {"note": 4, "preference": 1}
    assert "preference 1" in polymem.called("stats").stdout


def test_without_a_model_words_still_find_and_the_reason_is_told(make_polymem: MakePolymem) -> None:
    polymem = make_polymem()
    kept = polymem.called("remember", "Ben drinks black tea.", POLYMEM_EMBEDDER="none")
    assert kept.code == 0
    outcome = polymem.called("recall", "tea", POLYMEM_EMBEDDER="none")
    assert "black tea" in outcome.stdout
    assert "there is no embedding model" in outcome.stderr
    assert polymem.called("recall", "tea", "--mode", "vector", POLYMEM_EMBEDDER="none").code == 5
    behind = polymem.called("recall", "tea")
    assert "polymem reindex" in behind.stderr
    assert polymem.called("reindex").stdout == "Embedded 1\n"
    assert polymem.called("reindex", "--drop-former").stdout == "Everything is embedded already\n"
    assert polymem.called("recall", "tea").stderr == ""


def test_a_terminal_with_few_letters_still_shows_what_it_can(library: tuple[Polymem, dict[str, str]]) -> None:
    polymem, _ = library
    memory_id = polymem.remember("Caf\N{LATIN SMALL LETTER E WITH ACUTE} au lait", "-p", "drinks")
    shown = polymem.started("list", "-p", "drinks", PYTHONIOENCODING="ascii")
    assert (shown.code, shown.stdout.split("\n")[0]) == (0, "Caf? au lait"), shown.stderr
    told = polymem.started("show", memory_id, "--json", PYTHONIOENCODING="ascii")
    assert told.json["content"] == "Caf\N{LATIN SMALL LETTER E WITH ACUTE} au lait"
