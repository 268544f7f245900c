"""Health, statistics and metrics."""

from datetime import timedelta

import httpx2

from polymem import __version__
from tests.conftest import MakeSettings
from tests.serving import Server, serving


def test_health_tells_how_the_parts_are(server: Server) -> None:
    with server.client() as client:
        expected = {"status": "ok", "version": __version__, "storage": "ok", "embedding": "ok"}
        assert client.get("/health").json() == expected
        assert client.get("/health/ready").json() == expected
        assert client.get("/health/live").json() == {"status": "ok"}


def test_a_server_without_a_model_is_degraded_but_ready(make_settings: MakeSettings) -> None:
    with serving(make_settings(embedder="none")) as server, server.client() as client:
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"], ready.json()["embedding"]) == (200, "degraded", "none")


def test_statistics_count_what_the_caller_sees(api: httpx2.Client) -> None:
    ids = api.post(
        "/v1/memories/batch",
        json={
            "memories": [
                {"content": "a", "project": "travel", "kind": "fact"},
                {"content": "b", "project": "travel"},
                {"content": "c"},
                {"content": "d", "expires_at": "2001-01-01T00:00:00Z"},
            ]
        },
    ).json()["ids"]
    api.delete(f"/v1/memories/{ids[2]}")
    api.post("/v1/memories", json={"content": "e", "supersedes": ids[1]})
    stats = api.get("/v1/stats").json()
    assert list(stats) == ["memories", "forgotten", "expired", "superseded", "unassigned", "by_kind", "by_delivery",
                           "by_project", "without_vector", "bytes_on_disk", "embedding_model"]  # fmt: skip
    assert (stats["memories"], stats["forgotten"], stats["expired"], stats["superseded"]) == (3, 1, 1, 1)
    assert stats["unassigned"] == 1
    assert stats["by_kind"] == {"fact": 1, "note": 2}
    assert stats["by_project"] == {"travel": 2}
    assert stats["without_vector"] == 0
    assert stats["embedding_model"]


def test_recalls_are_counted_by_day(make_settings: MakeSettings) -> None:
    with serving(make_settings(embedder="none")) as server, server.client() as api:
        api.post("/v1/memories", json={"content": "Ana flies from Lisbon", "project": "travel"})
        for query in ("Lisbon", "unheard of"):
            api.post("/v1/recall", json={"query": query, "mode": "keyword", "project": "travel"})
        api.post("/v1/recall", json={"query": "Lisbon", "mode": "keyword"})
        server.run(server.core.recall.close())
        today = server.core.clock.now().date()
        told = api.get("/v1/stats/recalls", params={"days": 2}).json()
        assert told == {
            "recalls": 3,
            "found_nothing": 1,
            "days": [
                {"day": str(today - timedelta(days=1)), "recalls": 0, "found_nothing": 0},
                {"day": str(today), "recalls": 3, "found_nothing": 1},
            ],
        }
        assert len(api.get("/v1/stats/recalls").json()["days"]) == 30
        for days in ("0", "3661", "x", "1.5", ""):
            assert api.get("/v1/stats/recalls", params={"days": days}).status_code == 400
        key = api.post("/v1/keys", json={"name": "travel", "project": "travel"}).json()["secret"]
        with server.client(key) as limited:
            told = limited.get("/v1/stats/recalls", params={"days": 1}).json()
            assert (told["recalls"], told["found_nothing"]) == (2, 1)


def test_metrics_count_requests_by_the_template_of_their_route(server: Server) -> None:
    with server.client() as client:
        client.get("/v1/memories/some-id")
        client.get("/no/such/path")
        client.get("/memento/api/health")
        client.request("BREW", "/v1/memories")
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.text
    assert 'polymem_requests_total{dialect="native",method="GET",route="/v1/memories/{memory_id}",status="404"}' in text
    assert 'polymem_requests_total{dialect="native",method="GET",route="other",status="404"}' in text
    assert 'polymem_requests_total{dialect="memento",method="GET",route="/api/health",status="200"}' in text
    assert 'polymem_request_seconds_bucket{dialect="memento",le="0.001",method="GET",route="/api/health"}' in text
    assert "some-id" not in text
    assert "BREW" not in text


def test_the_root_leads_to_the_documentation(server: Server) -> None:
    with server.client() as client:
        answer = client.get("/")
        assert (answer.status_code, answer.headers["location"]) == (307, "/docs")
