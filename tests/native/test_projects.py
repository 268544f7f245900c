"""Projects over HTTP."""

import httpx2


def test_a_project_is_made_read_listed_and_changed(api: httpx2.Client) -> None:
    made = api.post("/v1/projects", json={"key": "Trips 2026", "description": "Bookings", "stack": ["python"]})
    assert made.status_code == 201
    project = made.json()
    assert list(project) == ["id", "key", "slug", "name", "description", "stack", "created_at", "updated_at"]
    assert (project["key"], project["slug"], project["name"]) == ("Trips 2026", "trips-2026", "Trips 2026")
    assert api.get("/v1/projects/Trips 2026").json() == project
    assert api.get(f"/v1/projects/{project['id']}").json() == project
    changed = api.patch(f"/v1/projects/{project['id']}", json={"name": "Trips", "stack": []})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["stack"], changed.json()["description"]) == ("Trips", [], "Bookings")
    assert api.get("/v1/projects").json() == {"items": [changed.json()], "total": 1}


def test_a_key_can_hold_slashes_and_any_letters(api: httpx2.Client) -> None:
    key = "org/répo/ü?#%"
    api.post("/v1/memories", json={"content": "x", "project": key})
    path = "/v1/projects/org/r%C3%A9po/%C3%BC%3F%23%25"
    assert api.get(path).json()["key"] == key
    assert api.patch(path, json={"name": "n"}).json()["name"] == "n"


def test_a_key_is_taken_once(api: httpx2.Client) -> None:
    assert api.post("/v1/projects", json={"key": "travel"}).status_code == 201
    assert api.post("/v1/projects", json={"key": "travel"}).status_code == 409


def test_a_memory_that_names_a_new_project_makes_it(api: httpx2.Client) -> None:
    api.post("/v1/memories", json={"content": "x", "project": "fresh"})
    assert [project["key"] for project in api.get("/v1/projects").json()["items"]] == ["fresh"]


def test_what_cannot_be_a_project_is_refused(api: httpx2.Client) -> None:
    for body in ({}, {"key": ""}, {"key": " "}, {"key": "a\u0000"}, {"key": "x" * 501}, {"key": "a", "colour": "red"},
                 {"key": "a", "name": ""}, {"key": "a", "stack": "python"}, {"key": 1},
                 {"key": "a", "description": "\u0000"}, {"key": "a", "stack": [""]}):  # fmt: skip
        assert api.post("/v1/projects", json=body).status_code in (400, 413), body
    assert api.get("/v1/projects").json()["total"] == 0


def test_an_unknown_project_is_not_found(api: httpx2.Client) -> None:
    assert api.get("/v1/projects/nowhere").status_code == 404
    assert api.patch("/v1/projects/nowhere", json={"name": "x"}).status_code == 404
