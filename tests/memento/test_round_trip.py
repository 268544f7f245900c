"""Whatever Unicode is saved comes back as it was."""

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
TEXTS = st.text(CHARACTERS, min_size=1).filter(str.strip)
NAMES = st.text(CHARACTERS, min_size=1, max_size=60).filter(str.strip)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=TEXTS, namespace=NAMES, tags=st.lists(NAMES, max_size=4, unique=True), container=st.none() | NAMES)
def test_any_text_comes_back_from_save_list_recall_export_and_is_deleted(
    api: httpx2.Client, content: str, namespace: str, tags: list[str], container: str | None
) -> None:
    fields = {"content": content, "namespace": namespace, "tags": tags, "container": container}
    saved = api.post("/api/save", json=fields)
    assert saved.status_code == 200, saved.text
    (id,) = saved.json()["ids"]
    listed = api.get("/api/list", params={"namespace": namespace, **({"container": container} if container else {})})
    (entry,) = [entry for entry in listed.json()["entries"] if entry["id"] == id]
    assert (entry["content"], entry["tags"], entry["namespace"]) == (content, tags, namespace)
    assert entry["metadata"]["container"] == (container or namespace)
    request = {"namespace": namespace, "tags": tags, "container": container, "query": content[:200]}
    recalled = api.post("/api/recall", json=request)
    assert content in [result["content"] for result in recalled.json()["results"]], recalled.text
    exported = api.get("/api/export", params={"namespace": namespace}).json()
    assert {"id": id, "content": content}.items() <= exported["entries"][-1].items()
    assert api.delete(f"/api/{id}").json()["deleted"] is True
    remaining = api.get("/api/list", params={"namespace": namespace, "limit": 100}).json()["entries"]
    assert id not in [entry["id"] for entry in remaining]
