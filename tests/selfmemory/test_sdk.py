"""The published Python client, unmodified, against a real socket."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from selfmemory import SelfMemoryClient

from polymem.core.model import Draft
from polymem.core.people import Permission, Scope
from tests.selfmemory.conftest import MakeKey, url
from tests.selfmemory.people import people
from tests.serving import Server


@pytest.fixture
def sdk(server: Server, make_key: MakeKey) -> Iterator[Any]:
    """A client with a key of a project that holds nothing."""
    with SelfMemoryClient(api_key=make_key(), host=url(server)) as sdk:
        yield sdk


def contents(answer: Any) -> list[str]:
    """What was found."""
    assert "error" not in answer
    return [one["content"] for one in answer["results"]]


def test_add_search_list_and_delete(sdk: Any) -> None:
    added = sdk.add(
        "I have a meeting with Alice on Friday",
        tags="work,meeting",
        people_mentioned="Alice",
        topic_category="schedule",
        metadata={"source": "calendar"},
    )
    assert added["success"] is True
    assert added["message"] == "Memory created successfully"
    assert added["operations"][0]["event"] == "ADD"
    (hit,) = sdk.search("meeting with Alice")["results"]
    assert hit["id"] == added["memory_id"]
    assert 0 < hit["score"] <= 1
    assert hit["metadata"]["tags"] == "work,meeting"
    assert hit["metadata"]["source"] == "calendar"
    assert [one["id"] for one in sdk.get_all()["results"]] == [added["memory_id"]]
    assert sdk.delete(added["memory_id"]) == {"message": "Memory deleted successfully"}
    assert sdk.get_all()["results"] == []
    assert sdk.delete(added["memory_id"]) == {"success": False, "error": "Memory not found"}


def test_every_form_of_content_is_kept(sdk: Any) -> None:
    assert sdk.add({"role": "user", "content": "One message"})["success"]
    assert sdk.add([{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi there"}])["success"]
    assert contents(sdk.get_all(limit=2)) == ["Hi there", "Hello"]
    assert contents(sdk.get_all(limit=2, offset=2)) == ["One message"]


def test_searches_by_everything_the_client_can_ask(sdk: Any, server: Server, scope: Scope) -> None:
    sdk.add("Lunch with Alice", tags="food,work", people_mentioned="Alice Stone", topic_category="social")
    sdk.add("Lunch with Bob", tags="food", people_mentioned="Bob", topic_category="social")
    sdk.add("Lunch report", tags="work", topic_category="work")
    yesterday = server.core.clock.now() - timedelta(days=1)
    server.run(server.core.memories.add(scope, Draft(content="Old lunch", project="notes", created_at=yesterday)))

    assert set(contents(sdk.search("lunch", tags=["food"]))) == {"Lunch with Alice", "Lunch with Bob"}
    assert contents(sdk.search("lunch", people_mentioned=["alice"])) == ["Lunch with Alice"]
    assert contents(sdk.search("lunch", topic_category="work")) == ["Lunch report"]
    assert contents(sdk.search("lunch", temporal_filter="yesterday")) == ["Old lunch"]
    assert len(contents(sdk.search("lunch", limit=2))) == 2
    assert contents(sdk.search("lunch", threshold=1.0)) == []

    assert contents(sdk.search_by_tags("food, work", match_all=True)) == ["Lunch with Alice"]
    assert set(contents(sdk.search_by_tags(["food", "work"]))) == {
        "Lunch with Alice",
        "Lunch with Bob",
        "Lunch report",
    }
    assert contents(sdk.search_by_tags(["food"], semantic_query="Bob", limit=1)) == ["Lunch with Bob"]
    assert contents(sdk.search_by_people("bob")) == ["Lunch with Bob"]
    assert set(contents(sdk.search_by_people(["bob", "stone"]))) == {"Lunch with Alice", "Lunch with Bob"}
    assert contents(sdk.temporal_search("yesterday")) == ["Old lunch"]
    assert len(contents(sdk.temporal_search("today", semantic_query="lunch", limit=3))) == 3


def test_statistics_health_and_deleting_all(sdk: Any) -> None:
    sdk.add("One", tags="a,b")
    sdk.add("Two", tags="b")
    assert sdk.get_stats() == {"total": 2, "this_week": 2, "tag_count": 2}
    assert sdk.health_check()["status"] in ("healthy", "degraded")
    deleted = sdk.delete_all()
    assert (deleted["deleted_count"], bool(deleted["message"])) == (2, True)
    assert sdk.get_all() == {"results": [], "total": 0}


def test_failures_reach_the_caller_as_sentences(server: Server, make_key: MakeKey, sdk: Any) -> None:
    assert sdk.search("x", temporal_filter="someday")["error"].startswith("'someday' is no time that is known")
    assert sdk.add(" ")["success"] is False
    with SelfMemoryClient(api_key=make_key("notes", frozenset({Permission.READ})), host=url(server)) as reader:
        assert reader.add("x")["success"] is False
        assert reader.delete_all()["error"] == "Permission denied - write access required to delete memories"
    with SelfMemoryClient(api_key="sk_im_wrong", host=f"{url(server)}/") as nobody:
        assert nobody.get_all() == {"results": [], "error": "Invalid API key"}
        assert nobody.health_check()["status"] == "unhealthy"


def test_two_organizations_share_nothing(server: Server) -> None:
    with people(server, 2) as (ana, ben):
        keys = [person.new_key(person.new_project()) for person in (ana, ben)]
        with (
            SelfMemoryClient(api_key=keys[0], host=url(server)) as of_ana,
            SelfMemoryClient(api_key=keys[1], host=url(server)) as of_ben,
        ):
            secret = of_ana.add("The vault code is 4711", tags="secret")["memory_id"]
            assert contents(of_ben.get_all()) == contents(of_ben.search("vault code")) == []
            assert contents(of_ben.search_by_tags("secret")) == []
            assert of_ben.delete(secret) == {"success": False, "error": "Memory not found"}
            assert of_ben.delete_all()["deleted_count"] == 0
            assert contents(of_ana.get_all()) == ["The vault code is 4711"]


def test_an_account_token_names_its_project_in_the_metadata(server: Server) -> None:
    with people(server, 1) as (person,):
        project = person.new_project()
        with SelfMemoryClient(oauth_token=person.token, host=url(server)) as sdk:
            assert sdk.add("By token", metadata={"project_id": project})["success"] is True
            assert sdk.get_all()["error"] == "project_id required for session authentication"


def typescript(server: Server, key: str) -> httpx2.Client:
    """What the TypeScript client sends: no Content-Type without a body, and its own spelling of everything."""
    return httpx2.Client(base_url=url(server), headers={"Authorization": f"Bearer {key}"}, trust_env=False)


def test_what_the_typescript_client_sends(server: Server, make_key: MakeKey) -> None:
    with typescript(server, make_key()) as api:
        body = {
            "messages": [{"role": "user", "content": "From TypeScript"}],
            "metadata": {"tags": "ts"},
            "user_id": "u1",
        }
        added = api.post("/api/memories", json=body).json()
        assert (added["success"], bool(added["memory_id"])) == (True, True)
        search = {
            "query": "TypeScript",
            "user_id": "u1",
            "people_mentioned": "",
            "filters": {"tags": ["ts"], "limit": 5},
        }
        assert len(api.post("/api/memories/search", json=search).json()["results"]) == 1
        listed = api.get("/api/memories", params={"limit": 10, "offset": 0, "user_id": "u1"}).json()["results"]
        assert listed[0]["id"] == added["memory_id"]
        updated = api.put(f"/api/memories/{added['memory_id']}", json={"text": "Changed", "metadata": {"tags": "t2"}})
        assert updated.json()["content"] == "Changed"
        assert api.get("/api/memories/stats").json()["total"] == 1
        assert api.request("DELETE", "/api/memories", params={"user_id": "u1"}).json()["deleted_count"] == 1
