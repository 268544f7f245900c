"""What a coding agent is told unasked, and how it comes to ask."""

import json
from pathlib import Path
from typing import Any

import pytest

from polymem.cli.hooks import project_of
from tests.cli.conftest import Outcome, Polymem
from tests.serving import Server

DEAD = "http://127.0.0.1:1"


@pytest.fixture
def memories(server: Server) -> dict[str, str]:
    """The environment of a hook that reaches an organization with some memories."""
    key = server.new_key(server.new_organization())
    drafts: list[dict[str, Any]] = [
        {"content": "Never commit .env files", "kind": "rule", "delivery": "bootstrap"},
        {"content": "Match is a tennis app", "kind": "fact", "delivery": "bootstrap", "project": "match"},
        {"content": "Other project", "kind": "fact", "delivery": "bootstrap", "project": "other"},
        {"content": "Answer in English", "kind": "rule", "delivery": "pinned"},
        {"content": "Use tabs", "kind": "rule", "delivery": "pinned", "project": "match"},
        {"content": "The database is PostgreSQL 17", "kind": "fact", "project": "match"},
    ]
    with server.client(key) as client:
        old = client.post("/v1/memories", json={"content": "Use spaces", "delivery": "pinned", "project": "match"})
        drafts[4]["supersedes"] = old.json()["id"]
        for draft in drafts:
            assert client.post("/v1/memories", json=draft).status_code == 201
    return {"POLYMEM_URL": server.url, "POLYMEM_API_KEY": key}


def told(outcome: Outcome, event: str) -> str:
    assert (outcome.code, outcome.stderr) == (0, "")
    (name, output), *rest = outcome.json.items()
    assert (name, rest) == ("hookSpecificOutput", [])
    assert list(output) == ["hookEventName", "additionalContext"]
    assert output["hookEventName"] == event
    text: str = output["additionalContext"]
    return text


def asks(**given: Any) -> bytes:
    return json.dumps({"session_id": "s", "transcript_path": "/t", "hook_event_name": "x"} | given).encode()


def test_a_session_starts_with_what_holds_everywhere_and_in_the_project(
    polymem: Polymem, memories: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "match").mkdir()
    text = told(
        polymem.started("hook", "session-start", stdin=asks(cwd=str(tmp_path / "match")), **memories), "SessionStart"
    )
    assert text.index("## Rules\n\n- [global] Never commit .env files") < text.index("## Facts")
    assert "- [project/match] Match is a tennis app" in text
    assert "Other project" not in text
    assert "Answer in English" not in text


def test_a_prompt_comes_with_what_is_pinned_and_not_with_what_was_replaced(
    polymem: Polymem, memories: dict[str, str]
) -> None:
    text = told(polymem.called("hook", "prompt", "-p", "match", stdin=asks(prompt="x"), **memories), "UserPromptSubmit")
    assert "- [global] Answer in English\n- [project/match] Use tabs" in text
    assert "spaces" not in text
    assert "PostgreSQL" not in text


def test_a_prompt_can_recall_what_fits_it(polymem: Polymem, memories: dict[str, str]) -> None:
    outcome = polymem.called(
        "hook", "prompt", "-p", "match", "--recall", "1", stdin=asks(prompt="Which database do we use?"), **memories
    )
    assert "- [project/match] The database is PostgreSQL 17" in told(outcome, "UserPromptSubmit")


def test_what_is_to_be_delivered_is_said_on_the_command_line(polymem: Polymem) -> None:
    kept = polymem.remember("Answer in English", "--delivery", "pinned")
    assert polymem.called("show", kept, "--json").json["delivery"] == "pinned"
    assert polymem.called("edit", kept, "--delivery", "bootstrap", "--json").json["delivery"] == "bootstrap"
    assert polymem.called("remember", "x", "--delivery", "drone").code == 2


def test_a_text_over_budget_says_so_and_is_whole(polymem: Polymem, memories: dict[str, str]) -> None:
    outcome = polymem.called("hook", "prompt", "--budget", "5", "--plain", stdin=asks(), **memories)
    assert "Answer in English" in outcome.stdout
    assert "more than the 5 meant for them" in outcome.stdout


@pytest.mark.parametrize("moment", ["session-start", "prompt"])
@pytest.mark.parametrize("stdin", [b"", b"nonsense", b"[]", asks(cwd="/does/not/exist"), asks(cwd=5)])
def test_nothing_is_said_and_nothing_fails_without_a_server(polymem: Polymem, moment: str, stdin: bytes) -> None:
    outcome = polymem.called("hook", moment, stdin=stdin, POLYMEM_URL=DEAD)
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "", "")


def test_nothing_is_said_where_there_is_nothing_or_no_access(polymem: Polymem, server: Server) -> None:
    empty = server.new_key(server.new_organization())
    for key in (empty, "mk_wrong"):
        outcome = polymem.called("hook", "prompt", POLYMEM_URL=server.url, POLYMEM_API_KEY=key)
        assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "", "")


def test_a_directory_belongs_to_the_project_its_file_names_else_its_repository(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    below = repository / "src" / "deep"
    below.mkdir(parents=True)
    assert project_of(below) == "deep"
    (repository / ".git").mkdir()
    assert project_of(below) == "repository"
    (repository / ".mememory").write_text('{"version": 1, "project": "named", "later": {}}')
    assert project_of(below) == "named"
    (repository / "src" / ".polymem").write_text('{"project": "nearer"}')
    assert project_of(below) == "nearer"
    (below / ".polymem").write_text("nonsense")
    assert project_of(below) == "nearer"


# --- installing -----------------------------------------------------------------------------------

FOREIGN = {
    "model": "opus",
    "hooks": {
        "SessionStart": [{"matcher": "startup", "hooks": [{"type": "command", "command": "echo hello"}]}],
        "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "check"}]}],
        "Stop": [],
    },
}


def installed(file: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(file.read_text())
    return settings


def test_hooks_are_installed_beside_others_and_the_file_is_kept(polymem: Polymem, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(FOREIGN))
    file.chmod(0o640)
    outcome = polymem.called("install-hooks", "--path", str(file))
    assert outcome.code == 0, outcome.stderr
    settings = installed(file)
    assert list(settings) == ["model", "hooks"]
    assert settings["hooks"]["PreToolUse"] == FOREIGN["hooks"]["PreToolUse"]  # type: ignore[index]
    foreign, ours = settings["hooks"]["SessionStart"]
    assert foreign == FOREIGN["hooks"]["SessionStart"][0]  # type: ignore[index]
    assert ours["hooks"][0]["command"].endswith("polymem hook session-start")
    assert settings["hooks"]["UserPromptSubmit"][0]["hooks"][0]["command"].endswith("polymem hook prompt")
    (backup,) = tmp_path.glob("settings.json.polymem-backup-*")
    assert json.loads(backup.read_text()) == FOREIGN
    assert oct(file.stat().st_mode)[-3:] == "640"


def test_installing_again_changes_nothing(polymem: Polymem, tmp_path: Path) -> None:
    file = tmp_path / ".claude" / "settings.json"
    assert polymem.called("install-hooks", "--path", str(file)).code == 0
    once = file.read_bytes()
    again = polymem.called("install-hooks", "--path", str(file))
    assert (again.code, again.stdout) == (0, f"{file} needs no change\n")
    assert file.read_bytes() == once
    assert list(file.parent.iterdir()) == [file]


def test_installing_for_another_server_replaces_the_hooks(polymem: Polymem, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    polymem.called("install-hooks", "--path", str(file))
    polymem.called("install-hooks", "--path", str(file), "--url", "http://localhost:9000")
    settings = installed(file)
    assert [len(groups) for groups in settings["hooks"].values()] == [1, 1]
    assert settings["hooks"]["SessionStart"][0]["hooks"][0]["command"].endswith("--url http://localhost:9000")


def test_uninstalling_leaves_what_was_there_before(polymem: Polymem, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    settings: list[dict[str, Any]] = [FOREIGN, {}, {"hooks": {}}]
    for before in settings:
        file.write_text(json.dumps(before))
        polymem.called("install-hooks", "--path", str(file))
        assert polymem.called("install-hooks", "--uninstall", "--path", str(file)).code == 0
        after = installed(file)
        assert after == before or (before, after) == ({"hooks": {}}, {})


@pytest.mark.parametrize("text", ["{nope", "[]", '{"hooks": []}', '{"hooks": {"Stop": 5}}'])
def test_settings_that_cannot_be_understood_are_left_alone(polymem: Polymem, tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text)
    outcome = polymem.called("install-hooks", "--path", str(file))
    assert outcome.code == 2
    assert str(file) in outcome.stderr
    assert file.read_text() == text
    assert list(tmp_path.iterdir()) == [file]


def test_installed_hooks_run_as_they_stand(polymem: Polymem, memories: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    polymem.called("install-hooks", "--path", str(file), "--url", memories["POLYMEM_URL"])
    command = installed(file)["hooks"]["UserPromptSubmit"][0]["hooks"][0]["command"].split()[1:]
    outcome = polymem.started(*command, stdin=asks(), POLYMEM_API_KEY=memories["POLYMEM_API_KEY"])
    assert "Answer in English" in told(outcome, "UserPromptSubmit")
