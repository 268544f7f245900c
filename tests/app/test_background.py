"""What a server does beside answering."""

import time
from collections.abc import Callable

from tests.conftest import MakeSettings
from tests.house.serving import free_port
from tests.serving import PATIENCE, serving


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it holds before patience ends; asking is what takes the time."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            return False
    return True


def test_what_was_kept_without_a_model_is_embedded_once_there_is_one(make_settings: MakeSettings) -> None:
    without = make_settings(embedder="none")
    question = {"query": "Which place does she prefer in an aircraft?", "mode": "vector"}
    with serving(without) as server, server.client() as client:
        client.post("/v1/memories", json={"content": "Ana likes to sit by the window on planes."})
        assert client.get("/v1/stats").json()["embedding_model"] is None
    with serving(make_settings(data_dir=without.data_dir)) as server, server.client() as client:
        assert eventually(lambda: client.get("/v1/stats").json()["without_vector"] == 0)
        assert len(client.post("/v1/recall", json=question).json()["hits"]) == 1


def test_a_model_that_does_not_answer_costs_no_memory(make_settings: MakeSettings) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    with serving(make_settings(embedder_url=url, embedder_model="m")) as server, server.client() as client:
        assert client.post("/v1/memories", json={"content": "Ana flies from Lisbon."}).status_code == 201
        recalled = client.post("/v1/recall", json={"query": "Lisbon"}).json()
        assert (recalled["mode"], len(recalled["hits"])) == ("keyword", 1)
        assert client.post("/v1/recall", json={"query": "Lisbon", "mode": "vector"}).status_code == 503
        assert client.get("/v1/stats").json()["without_vector"] == 1
