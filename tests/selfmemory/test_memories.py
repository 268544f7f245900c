"""The documented memory endpoints, field by field."""

from datetime import UTC, datetime

import httpx2

from polymem.core.model import Draft
from polymem.core.people import Scope
from tests.selfmemory.conftest import MakeKey, add, client
from tests.serving import Server


def test_a_create_answers_as_documented_and_as_the_clients_read_it(api: httpx2.Client) -> None:
    answer = api.post(
        "/api/memories",
        json={
            "messages": [{"role": "user", "content": "I have a meeting with Alice on Friday"}],
            "metadata": {"tags": "work,meeting", "people_mentioned": "Alice", "topic_category": "schedule"},
        },
    )
    assert answer.status_code == 200
    body = answer.json()
    memory_id = body["memory_id"]
    assert body == {
        "success": True,
        "message": "Memory created successfully",
        "memory_id": memory_id,
        "operations": [{"id": memory_id, "memory": "I have a meeting with Alice on Friday", "event": "ADD"}],
    }


def test_what_was_kept_comes_back_the_same_from_list_get_and_search(api: httpx2.Client) -> None:
    before = datetime.now(UTC)
    memory_id = add(
        api,
        "I have a meeting with Alice on Friday",
        tags="work, meeting",
        people_mentioned=["Alice", "Bob"],
        topic_category="schedule",
        source="slack",
        nested={"a": [1, None, "x"]},
    )
    (listed,) = api.get("/api/memories").json()["results"]
    assert listed["id"] == memory_id
    assert listed["content"] == "I have a meeting with Alice on Friday"
    metadata = listed["metadata"]
    assert metadata["tags"] == "work,meeting"
    assert metadata["people_mentioned"] == "Alice,Bob"
    assert metadata["topic_category"] == "schedule"
    assert (metadata["source"], metadata["nested"]) == ("slack", {"a": [1, None, "x"]})
    assert listed["created_at"].endswith("Z")
    assert listed["created_at"] == metadata["created_at"]
    assert before <= datetime.fromisoformat(listed["created_at"]) <= datetime.now(UTC)
    assert api.get(f"/api/memories/{memory_id}").json() == listed
    (hit,) = api.post("/api/memories/search", json={"query": "meeting with Alice"}).json()["results"]
    assert 0 < hit.pop("score") <= 1
    assert hit == listed


def test_every_message_is_kept(api: httpx2.Client) -> None:
    messages = [
        {"role": "user", "content": "I moved to Lisbon"},
        {"role": "assistant", "content": "How do you like it?"},
        {"role": "user", "content": "   "},
        {"role": "user", "content": "The trams are loud"},
    ]
    body = api.post("/api/memories", json={"messages": messages, "metadata": {"tags": "home"}}).json()
    assert [one["memory"] for one in body["operations"]] == [
        "I moved to Lisbon",
        "How do you like it?",
        "The trams are loud",
    ]
    assert body["memory_id"] == body["operations"][0]["id"]
    listed = api.get("/api/memories").json()
    assert listed["total"] == 3
    assert {one["content"]: one["metadata"].get("role") for one in listed["results"]} == {
        "I moved to Lisbon": None,
        "How do you like it?": "assistant",
        "The trams are loud": None,
    }
    assert {one["metadata"]["tags"] for one in listed["results"]} == {"home"}


def test_a_list_is_newest_first_and_pages_never_overlap(api: httpx2.Client) -> None:
    ids = [add(api, f"Number {number}") for number in range(5)]
    assert [one["id"] for one in api.get("/api/memories").json()["results"]] == ids[::-1]
    first = api.get("/api/memories", params={"limit": 2}).json()
    second = api.get("/api/memories", params={"limit": 2, "offset": 2}).json()
    assert [one["id"] for one in first["results"] + second["results"]] == ids[::-1][:4]
    assert (first["total"], second["total"]) == (5, 5)
    assert api.get("/api/memories", params={"offset": 9}).json() == {"results": [], "total": 5}


def test_a_list_longer_than_the_core_gives_at_once_is_whole(api: httpx2.Client) -> None:
    for start in (0, 600):
        messages = [{"role": "user", "content": f"Line {start + number}"} for number in range(600)]
        assert api.post("/api/memories", json={"messages": messages}).status_code == 200
    listed = api.get("/api/memories", params={"limit": 1150, "offset": 30}).json()
    assert (len({one["id"] for one in listed["results"]}), listed["total"]) == (1150, 1200)


def test_memories_are_kept_and_listed_by_user_id(api: httpx2.Client) -> None:
    def keep(text: str, **body: object) -> None:
        answer = api.post("/api/memories", json={"messages": [{"role": "user", "content": text}], **body})
        assert answer.status_code == 200

    keep("Of ana", user_id="ana")
    keep("Of ben", metadata={"user_id": "ben"})
    keep("Of nobody in particular")

    def contents(answer: httpx2.Response) -> set[str]:
        return {one["content"] for one in answer.json()["results"]}

    assert contents(api.get("/api/memories", params={"user_id": "ana"})) == {"Of ana"}
    assert contents(api.get("/api/memories", params={"user_id": "ben"})) == {"Of ben"}
    assert contents(api.get("/api/memories", params={"user_id": ""})) == {
        "Of ana",
        "Of ben",
        "Of nobody in particular",
    }
    assert contents(api.post("/api/memories/search", json={"query": "", "user_id": "ana"})) == {"Of ana"}
    assert contents(api.post("/api/memories/search", json={"query": "", "filters": {"user_id": "ben"}})) == {"Of ben"}
    assert api.delete("/api/memories", params={"user_id": "ana"}).json()["deleted_count"] == 1
    assert contents(api.get("/api/memories")) == {"Of ben", "Of nobody in particular"}


def test_an_update_changes_text_and_entries_and_leaves_the_rest(api: httpx2.Client) -> None:
    memory_id = add(api, "Meeting on Friday", tags="work", people_mentioned="Alice", source="slack", room=7)
    before = api.get(f"/api/memories/{memory_id}").json()
    changed = api.put(
        f"/api/memories/{memory_id}",
        json={"text": "Meeting on Monday", "metadata": {"tags": ["work", "moved"], "source": None, "floor": 2}},
    )
    assert changed.status_code == 200
    body = changed.json()
    assert (body["id"], body["content"], body["created_at"]) == (memory_id, "Meeting on Monday", before["created_at"])
    assert body["metadata"]["tags"] == "work,moved"
    assert body["metadata"]["people_mentioned"] == "Alice"
    assert (body["metadata"]["room"], body["metadata"]["floor"]) == (7, 2)
    assert "source" not in body["metadata"]
    assert body["metadata"]["createdBy"] == before["metadata"]["createdBy"]
    assert body["metadata"]["updated_at"] > before["metadata"]["updated_at"]
    assert api.get(f"/api/memories/{memory_id}").json() == body
    (hit,) = api.post("/api/memories/search", json={"query": "Monday"}).json()["results"]
    assert hit["id"] == memory_id
    cleared = api.put(f"/api/memories/{memory_id}", json={"metadata": {"tags": "", "people_mentioned": None}}).json()
    assert (cleared["metadata"]["tags"], cleared["metadata"]["people_mentioned"]) == ("", "")
    assert cleared["content"] == "Meeting on Monday"


def test_a_deleted_memory_is_gone_everywhere_and_deleting_it_again_is_not_found(api: httpx2.Client) -> None:
    memory_id = add(api, "The gate code is 4711")
    answer = api.delete(f"/api/memories/{memory_id}")
    assert (answer.status_code, answer.json()) == (200, {"message": "Memory deleted successfully"})
    assert api.get("/api/memories").json() == {"results": [], "total": 0}
    assert api.post("/api/memories/search", json={"query": "gate code"}).json() == {"results": []}
    for again in (
        api.get(f"/api/memories/{memory_id}"),
        api.put(f"/api/memories/{memory_id}", json={"text": "x"}),
        api.delete(f"/api/memories/{memory_id}"),
        api.delete("/api/memories/mem_unknown"),
        api.get("/api/memories/a%00b"),
    ):
        assert (again.status_code, again.json()) == (404, {"detail": "Memory not found"})


def test_deleting_all_leaves_nothing_to_restore_and_other_projects_alone(
    server: Server, scope: Scope, make_key: MakeKey, api: httpx2.Client
) -> None:
    with client(server, make_key("other")) as other:
        add(other, "Elsewhere")
        deleted = add(api, "One")
        add(api, "Two")
        api.delete(f"/api/memories/{deleted}")
        add(api, "Three")
        answer = api.delete("/api/memories")
        assert answer.status_code == 200
        assert answer.json() == {"message": "All memories deleted successfully", "deleted_count": 2}
        assert api.get("/api/memories").json()["total"] == 0
        assert server.run(server.core.memories.trash(scope)).total == 0
        assert other.get("/api/memories").json()["total"] == 1
        assert api.delete("/api/memories").json()["deleted_count"] == 0


def test_statistics_count_memories_and_different_tags(api: httpx2.Client) -> None:
    assert api.get("/api/memories/stats").json() == {"total": 0, "this_week": 0, "tag_count": 0}
    add(api, "One", tags="a,b")
    add(api, "Two", tags="b")
    api.delete(f"/api/memories/{add(api, 'Three', tags='c')}")
    assert api.get("/api/memories/stats").json() == {"total": 2, "this_week": 2, "tag_count": 2}
    assert api.get("/v1/stats").json() == {"total": 2, "this_week": 2, "tag_count": 2}


def test_a_replaced_memory_is_no_longer_listed(server: Server, scope: Scope, api: httpx2.Client) -> None:
    old = add(api, "The office is in Porto", tags="office")
    server.run(server.core.memories.add(scope, Draft(content="The office is in Faro", project="notes", supersedes=old)))
    assert [one["content"] for one in api.get("/api/memories").json()["results"]] == ["The office is in Faro"]
    found = api.post("/api/memories/search", json={"query": "where is the office"}).json()["results"]
    assert [one["content"] for one in found] == ["The office is in Faro"]
    assert api.get("/api/memories/stats").json()["total"] == 1


def test_what_another_door_kept_is_shown_in_the_same_words(server: Server, scope: Scope, api: httpx2.Client) -> None:
    server.run(
        server.core.memories.add(scope, Draft(content="Kept natively", project="notes", tags=("a", "b"), kind="fact"))
    )
    (listed,) = api.get("/api/memories").json()["results"]
    assert listed["content"] == "Kept natively"
    texts = {name: listed["metadata"][name] for name in ("tags", "people_mentioned", "topic_category")}
    assert texts == {"tags": "a,b", "people_mentioned": "", "topic_category": ""}
