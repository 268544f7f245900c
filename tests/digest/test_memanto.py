"""What MEMANTO's clients are answered where the server has a chat model."""

import json
from typing import Any

import httpx2
import pytest

from polymem.core.digest.digest import FALLBACK, REFUSED
from polymem.core.digest.prompts import REFUSAL
from tests.chatting import ChatServer, Reply, failing, garbage, said
from tests.digest.test_quoting import CONVERSATION, SALIENT
from tests.digest.test_writing import TRAPS, given

API = "/memanto/api/v2"


@pytest.fixture
def agent(writer: httpx2.Client) -> httpx2.Client:
    """The client, with a session of the agent `a`."""
    writer.headers["X-Session-Token"] = writer.post(f"{API}/agents/a/activate").json()["session_token"]
    return writer


def post(agent: httpx2.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = agent.post(f"{API}/{path}", json=body)
    assert answer.is_success, answer.text
    told: dict[str, Any] = answer.json()
    return told


def remember(agent: httpx2.Client, *contents: str) -> list[str]:
    memories = [{"content": content} for content in contents]
    return [one["id"] for one in post(agent, "agents/a/batch-remember", {"memories": memories})["results"]]


def test_the_model_answers_from_memories_and_names_them(agent: httpx2.Client, chat: ChatServer) -> None:
    paris, cat = remember(agent, "Paris is the capital of France", "France has a cat called Minou")
    chat.says(said("Paris [1], where Minou lives [2]."))
    body = {"question": "What is the capital of France?", "header_prompt": "In verse.", "footer_prompt": "Be brief."}
    told = post(agent, "agents/a/answer?temperature=0.5&aiModel=other", body)
    assert told["answer"] == f"Paris [{paris}], where Minou lives [{cat}]."
    assert (told["mode"], told["model"], told["citations"]) == ("generated", "a-model", [paris, cat])
    assert [source["id"] for source in told["sources"]] == [paris, cat]
    assert chat.asked["temperature"] == 0.5
    assert chat.user.startswith("In verse.")
    assert chat.user.endswith("Be brief.")


def test_no_model_is_asked_where_no_memory_is_relevant(agent: httpx2.Client, chat: ChatServer) -> None:
    remember(agent, "The cat sleeps on the sofa")
    told = post(agent, "agents/a/answer", {"question": "How do I bake sourdough bread?"})
    assert (told["answer"], told["refused"], told["sources"]) == (REFUSED, True, [])
    assert chat.requests == []


def test_a_refusal_of_the_model_is_one(agent: httpx2.Client, chat: ChatServer) -> None:
    remember(agent, "Paris is the capital of France")
    chat.says(said(REFUSAL))
    told = post(agent, "agents/a/answer", {"question": "Is Paris the capital of Texas?"})
    assert (told["answer"], told["refused"], told["mode"]) == (REFUSED, True, "generated")


@pytest.mark.parametrize("trap", TRAPS, ids=range(len(TRAPS)))
def test_what_a_memory_orders_is_quoted_and_not_done(agent: httpx2.Client, chat: ChatServer, trap: str) -> None:
    remember(agent, "The launch is on Monday", trap)
    chat.says(said("On Monday [1]."))
    post(agent, "agents/a/answer", {"question": "When is the launch?", "threshold": 0})
    assert trap.replace("\u202e", "\ufffd") in [line["text"] for line in given(chat)]
    lines = chat.user.splitlines()
    assert (lines.count("<memories>"), lines.count("</memories>")) == (1, 1)
    assert lines[-1] == "Question: When is the launch?"


@pytest.mark.parametrize(
    "reply",
    [failing(401), failing(503), garbage(b"nonsense")],
    ids=["refused", "overloaded", "garbage"],
)
def test_a_model_that_fails_leaves_everything_quoted(agent: httpx2.Client, chat: ChatServer, reply: Reply) -> None:
    (paris,) = remember(agent, "Paris is the capital of France")
    chat.says(reply)
    answer = post(agent, "agents/a/answer", {"question": "What is the capital of France?"})
    assert answer["answer"] == f"Paris is the capital of France [{paris}]"
    summary = post(agent, "context/summarize", {"agent_id": "a"})
    assert summary["summary"] == f"- Paris is the capital of France [{paris}]"
    compressed = post(agent, "context/compress", {"text": "Well, we decided to ship on 12 May. Thanks!"})
    assert compressed["compressed_text"] == "user: We decided to ship on 12 May."
    extracted = post(agent, "agents/a/remember/extract", {"messages": ["I prefer tea."], "dry_run": True})
    assert extracted["count"] == 1
    for told in (answer, summary, compressed, extracted):
        assert (told["mode"], told["model"], told["notice"]) == ("extractive", None, FALLBACK)
        assert chat.url not in json.dumps(told)


def test_the_model_summarises_and_the_summary_is_kept(agent: httpx2.Client, chat: ChatServer) -> None:
    first, second = remember(agent, "The launch is on Monday", "The budget is 40k")
    chat.says(said("Launch on Monday [1] with 40k [2]."))
    told = post(agent, "context/summarize", {"agent_id": "a"})
    assert told["summary"] == f"Launch on Monday [{first}] with 40k [{second}]."
    kept = agent.get(f"{API}/agents/a/memories/{told['summary_id']}").json()
    assert (kept["content"], kept["metadata"]["summarizes"]) == (told["summary"], [first, second])
    assert kept["metadata"]["mode"] == "generated"


def test_what_the_model_loses_of_a_conversation_is_added_again(agent: httpx2.Client, chat: ChatServer) -> None:
    chat.says(said("They decided to ship on 12 May 2026."))
    told = post(agent, "context/compress", {"messages": CONVERSATION})
    assert (told["mode"], told["model"]) == ("generated", "a-model")
    assert [item for item in SALIENT if item not in told["compressed_text"]] == []
