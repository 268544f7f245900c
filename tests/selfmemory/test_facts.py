"""With a chat model facts are stored instead of messages; whatever the model does, nothing that was said is lost."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.chatting import ChatServer, Reply, chatting, failing, said
from tests.conftest import MakeSettings
from tests.selfmemory.conftest import client
from tests.serving import Server, serving

MOVED = "I moved to Lisbon in May and my sister Ana lives two streets away."
THANKS = "Thank you!"
ASKED = "How do you like it?"


@pytest.fixture(scope="module")
def talking() -> Iterator[ChatServer]:
    """The chat model."""
    with chatting() as chat:
        yield chat


@pytest.fixture(scope="module")
def thinking(make_settings: MakeSettings, talking: ChatServer) -> Iterator[Server]:
    """A server that has it."""
    settings = make_settings(
        embedder="none",
        chat_base_url=talking.url,
        chat_model="a-model",
        chat_timeout=1.0,
        chat_context_tokens=4096,
        rate_limit_memory_create=0,
    )
    with serving(settings) as server:
        yield server


@pytest.fixture
def thinker(thinking: Server, talking: ChatServer) -> Iterator[httpx2.Client]:
    """A client with a key of a project that holds nothing."""
    talking.requests.clear()
    with client(thinking, thinking.new_key(thinking.new_organization(), "notes")) as api:
        yield api


def facts(*entries: Any) -> Reply:
    """What the model says."""
    return said(json.dumps([{"content": text, "lines": lines} for text, lines in entries]))


def create(api: httpx2.Client, *messages: str | tuple[str, str], **metadata: object) -> Any:
    pairs = [("user", one) if isinstance(one, str) else one for one in messages]
    body = {"messages": [{"role": role, "content": text} for role, text in pairs], "metadata": metadata}
    answer = api.post("/api/memories", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def kept(api: httpx2.Client) -> dict[str, dict[str, Any]]:
    """The metadata of all memories, by what they say."""
    return {one["content"]: one["metadata"] for one in api.get("/api/memories").json()["results"]}


def test_facts_are_stored_with_what_they_were_drawn_from(talking: ChatServer, thinker: httpx2.Client) -> None:
    talking.says(facts(("The user moved to Lisbon in May.", [1]), ("Ana is the user's sister.", [1])))
    made = create(thinker, MOVED, ("assistant", ASKED), "  ", THANKS, tags="home", source="chat")
    assert [(one["memory"], one["event"]) for one in made["operations"]] == [
        ("The user moved to Lisbon in May.", "ADD"),
        ("Ana is the user's sister.", "ADD"),
        (ASKED, "ADD"),
        (THANKS, "ADD"),
    ]
    assert made["memory_id"] == made["operations"][0]["id"]
    assert "note" not in made
    stored = kept(thinker)
    assert len(stored) == 4
    assert {
        stored[text].get("context") for text in ("The user moved to Lisbon in May.", "Ana is the user's sister.")
    } == {MOVED}
    assert "context" not in stored[THANKS]
    assert (stored[ASKED]["role"], stored[THANKS].get("role")) == ("assistant", None)
    assert {(one["tags"], one["source"]) for one in stored.values()} == {("home", "chat")}
    hits = thinker.post("/api/memories/search", json={"query": "Lisbon"}).json()["results"]
    assert [hit["content"] for hit in hits][:1] == ["The user moved to Lisbon in May."]


def test_facts_of_a_single_message_need_not_say_where_they_are_from(
    talking: ChatServer, thinker: httpx2.Client
) -> None:
    talking.says(facts(("The user lives in Lisbon.", None)))
    create(thinker, MOVED)
    assert {text: one["context"] for text, one in kept(thinker).items()} == {"The user lives in Lisbon.": MOVED}


@pytest.mark.parametrize(
    ("reply", "unheard"),
    [
        (failing(400), True),
        (failing(500), True),
        (said("I would rather not."), True),
        (said('{"facts": []}'), False),
        (Reply(headers={"Content-Type": "application/json"}, hangs=True), True),
        (said("[]"), False),
        (said('[{"content": "  "}, 5, {"kind": "fact"}]'), False),
        (said(json.dumps([{"content": "A\x00b", "lines": [1, 2]}])), False),
    ],
    ids=["refused", "broken", "chatter", "other shape", "hangs", "nothing", "empty", "unkeepable"],
)
def test_whatever_the_model_does_every_message_is_kept(
    talking: ChatServer, thinker: httpx2.Client, reply: Reply, unheard: bool
) -> None:
    talking.says(reply)
    made = create(thinker, MOVED, THANKS)
    assert [one["memory"] for one in made["operations"]] == [MOVED, THANKS]
    assert set(kept(thinker)) == {MOVED, THANKS}
    assert ("note" in made) == unheard


def test_a_fact_that_names_no_message_replaces_none(talking: ChatServer, thinker: httpx2.Client) -> None:
    talking.says(facts(("Ana lives near.", [7, "1", True])))
    create(thinker, MOVED, THANKS)
    assert set(kept(thinker)) == {"Ana lives near.", MOVED, THANKS}


def test_a_message_too_long_for_the_model_is_kept_and_the_others_are_still_read(
    talking: ChatServer, thinker: httpx2.Client
) -> None:
    long = "This is a long story. " * 400
    talking.says(facts(("The user is called Bo.", [1])))
    create(thinker, long, "I am called Bo.")
    assert set(kept(thinker)) == {long, "The user is called Bo."}
    assert "long story" not in talking.user


def test_a_conversation_too_long_for_one_question_is_asked_about_in_parts(
    talking: ChatServer, thinker: httpx2.Client
) -> None:
    messages = [f"Number {number} is {'very ' * 300}important." for number in range(8)]
    talking.behaviour = lambda body: facts((f"Fact {len(talking.requests)}.", [1]))
    create(thinker, *messages)
    asked = len(talking.requests)
    assert 1 < asked <= 8
    stored = kept(thinker)
    assert {f"Fact {number}." for number in range(1, asked + 1)} <= set(stored)
    sources = {one["context"] for one in stored.values() if "context" in one}
    assert sources | set(stored) >= set(messages)


def test_bad_input_is_refused_before_the_model_is_asked(talking: ChatServer, thinker: httpx2.Client) -> None:
    assert thinker.post("/api/memories", json={"messages": [{"role": "user", "content": " "}]}).status_code == 400
    assert talking.requests == []
