"""Organizations, projects, members and keys: shapes, words and cascades."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.selfmemory.conftest import add, client
from tests.selfmemory.people import Person, people
from tests.serving import Server


@pytest.fixture
def crew(server: Server) -> Iterator[list[Person]]:
    """An owner, an admin and a member of one organization, and a stranger."""
    with people(server, 4) as crew:
        owner, admin, member, _ = crew
        owner.invite(admin, role="admin")
        owner.invite(member)
        yield crew


def refusal(answer: httpx2.Response, status: int) -> str:
    """What is said, with this status."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"detail"}
    detail: str = answer.json()["detail"]
    return detail


def at_end(instant: Any) -> bool:
    """Whether it is an instant in UTC."""
    return isinstance(instant, str) and instant.endswith("Z")


# --- organizations --------------------------------------------------------------------------------


def test_an_organization_is_made_listed_and_shown(server: Server) -> None:
    with people(server, 1) as (person,):
        answer = person.api.post("/api/organizations", json={"name": "  My Team  "})
        assert answer.status_code == 200
        made = answer.json()
        assert made == {
            "organization_id": made["organization_id"],
            "name": "My Team",
            "role": "owner",
            "message": "Organization created successfully",
        }
        assert refusal(person.api.post("/api/organizations", json={"name": "My Team"}), 400) == (
            "Organization name already exists"
        )
        listed = person.api.get("/api/organizations").json()["organizations"]
        assert {one["_id"] for one in listed} == {person.organization, made["organization_id"]}
        (shown,) = [one for one in listed if one["_id"] == made["organization_id"]]
        assert shown.pop("role") == "owner"
        assert at_end(shown["createdAt"])
        assert at_end(shown["updatedAt"])
        assert {name: shown[name] for name in ("_id", "name", "ownerId", "type")} == {
            "_id": made["organization_id"],
            "name": "My Team",
            "ownerId": person.id,
            "type": "custom",
        }
        assert person.api.get(f"/api/organizations/{made['organization_id']}").json() == shown


def test_members_see_their_organization_and_strangers_do_not(crew: list[Person]) -> None:
    owner, admin, member, stranger = crew
    path = f"/api/organizations/{owner.organization}"
    for one in (owner, admin, member):
        assert one.api.get(path).json()["ownerId"] == owner.id
    roles = {
        one.email: {org["_id"]: org["role"] for org in one.api.get("/api/organizations").json()["organizations"]}
        for one in (owner, admin, member)
    }
    assert [roles[one.email][owner.organization] for one in (owner, admin, member)] == ["owner", "admin", "member"]
    for hidden in (path, f"{path}/members", f"/api/organizations/{member.id}"):
        assert refusal(stranger.api.get(hidden), 404) == "Organization not found"
    assert refusal(stranger.api.get(f"/api/organizations/{owner.organization}/projects"), 404) == (
        "Organization not found or access denied"
    )
    assert refusal(owner.api.get("/api/organizations/not an id"), 400) == "Invalid org_id format"


def test_members_are_listed_by_when_they_joined_with_who_is_invited(crew: list[Person]) -> None:
    owner, admin, member, stranger = crew
    project = owner.new_project()
    owner.add_to(project, member, "editor")
    body = {"email": stranger.email, "role": "admin", "projectIds": [project], "projectRoles": {project: "editor"}}
    invited = owner.api.post(f"/api/organizations/{owner.organization}/invitations", json=body).json()
    answer = admin.api.get(f"/api/organizations/{owner.organization}/members").json()
    assert (answer["organization_id"], answer["total_members"], answer["total_pending"]) == (owner.organization, 3, 1)
    assert [(one["userId"], one["role"], one["projectsCount"]) for one in answer["members"]] == [
        (owner.id, "owner", 1),
        (admin.id, "admin", 0),
        (member.id, "member", 1),
    ]
    first, second, _ = answer["members"]
    assert set(first) == {"userId", "email", "name", "role", "joinedAt", "invitedBy", "projectsCount"}
    assert (second["email"], second["invitedBy"]) == (admin.email, owner.id)
    (pending,) = answer["pending_invitations"]
    assert at_end(pending.pop("createdAt"))
    assert at_end(pending.pop("expiresAt"))
    assert pending == {
        "invitationId": invited["invitation_id"],
        "email": stranger.email,
        "role": "admin",
        "invitedBy": owner.email,
        "invitedByUserId": owner.id,
        "invitationType": "organization",
        "projectName": None,
        "projectAssignments": invited["project_assignments"],
        "projectsCount": 1,
        "status": "pending",
    }


def test_roles_change_as_the_rules_say(crew: list[Person]) -> None:
    owner, admin, member, stranger = crew
    path = f"/api/organizations/{owner.organization}/members"

    def put(by: Person, user_id: str, role: str) -> httpx2.Response:
        return by.api.put(f"{path}/{user_id}", json={"role": role})

    assert put(admin, member.id, "admin").json() == {
        "message": "Member role updated successfully",
        "organization_id": owner.organization,
        "user_id": member.id,
        "old_role": "member",
        "new_role": "admin",
    }
    assert put(owner, member.id, "member").json()["new_role"] == "member"
    assert refusal(put(member, admin.id, "member"), 403) == "Only organization admins can update member roles"
    assert refusal(put(owner, owner.id, "member"), 400) == (
        "Cannot change organization owner's role. Transfer ownership first."
    )
    assert refusal(put(owner, stranger.id, "admin"), 404) == "User is not a member of this organization"
    assert refusal(put(owner, admin.id, "member"), 400) == (
        "Cannot demote the last admin. Promote another member first."
    )
    assert "role" in refusal(put(owner, member.id, "owner"), 400)
    assert refusal(put(owner, "not an id", "admin"), 400) == "Invalid user_id format"


def test_who_is_removed_loses_projects_and_keys(server: Server, crew: list[Person]) -> None:
    owner, admin, member, stranger = crew
    project = owner.new_project()
    owner.add_to(project, member, "editor")
    path = f"/api/organizations/{owner.organization}/members"
    with client(server, member.new_key(project)) as by_key:
        assert by_key.get("/api/memories").status_code == 200
        assert refusal(member.api.delete(f"{path}/{admin.id}"), 403) == (
            "Only organization admins can remove other members"
        )
        assert refusal(admin.api.delete(f"{path}/{owner.id}"), 400) == (
            "Cannot remove organization owner. Transfer ownership first."
        )
        assert refusal(admin.api.delete(f"{path}/{stranger.id}"), 404) == "User is not a member of this organization"
        assert admin.api.delete(f"{path}/{member.id}").json() == {
            "message": "User removed from organization successfully",
            "organization_id": owner.organization,
            "user_id": member.id,
            "cascades": {"projects_removed": 1, "api_keys_deactivated": 1},
        }
        assert by_key.get("/api/memories").status_code == 401
    assert admin.api.delete(f"{path}/{admin.id}").status_code == 200
    assert [one["_id"] for one in admin.api.get("/api/organizations").json()["organizations"]] == [admin.organization]


def test_ownership_goes_to_an_admin(crew: list[Person]) -> None:
    owner, admin, member, stranger = crew
    path = f"/api/organizations/{owner.organization}/transfer-ownership"

    def put(by: Person, user_id: str) -> httpx2.Response:
        return by.api.put(path, json={"new_owner_id": user_id})

    assert refusal(put(admin, admin.id), 403) == "Only the organization owner can transfer ownership"
    assert refusal(put(owner, stranger.id), 404) == "Target user is not a member of this organization"
    assert refusal(put(owner, member.id), 400) == "Target user must be an admin to receive ownership"
    assert put(owner, admin.id).json() == {
        "message": "Organization ownership transferred successfully",
        "organization_id": owner.organization,
        "previous_owner_id": owner.id,
        "new_owner_id": admin.id,
    }
    roles = {
        one["userId"]: one["role"]
        for one in member.api.get(f"/api/organizations/{owner.organization}/members").json()["members"]
    }
    assert (roles[owner.id], roles[admin.id]) == ("admin", "owner")


def test_an_organization_is_deleted_with_all_that_is_in_it(server: Server, crew: list[Person]) -> None:
    owner, admin, member, stranger = crew
    project = owner.new_project()
    owner.add_to(project, member, "editor")
    path = f"/api/organizations/{owner.organization}"
    owner.api.post(f"{path}/invitations", json={"email": stranger.email})
    with client(server, owner.new_key(project)) as by_key:
        add(by_key, "Kept")
        for other in (admin, member):
            assert refusal(other.api.delete(path), 403) == "Only the organization owner can delete the organization"
        assert refusal(stranger.api.delete(path), 404) == "Organization not found"
        answer = owner.api.delete(path).json()
        assert answer.pop("note")
        assert answer == {
            "message": "Organization deleted successfully",
            "organization_id": owner.organization,
            "organization_name": answer["organization_name"],
            "cascades": {
                "projects_deleted": 1,
                "project_members_removed": 1,
                "organization_members_removed": answer["cascades"]["organization_members_removed"],
                "api_keys_deactivated": 1,
                "invitations_cancelled": 1,
                "memories_deleted": 1,
            },
        }
        assert by_key.get("/api/memories").status_code == 401
    assert refusal(owner.api.get(path), 404) == "Organization not found"
    assert member.api.get("/api/projects").json() == {"projects": [], "total_count": 0}
    assert stranger.api.get("/api/invitations/pending").json() == []


# --- projects -------------------------------------------------------------------------------------


def test_a_project_is_made_listed_and_shown(crew: list[Person]) -> None:
    owner, admin, member, stranger = crew
    body = {"name": "My Project", "organization_id": owner.organization}
    made = admin.api.post("/api/projects", json=body).json()
    assert made == {
        "project_id": made["project_id"],
        "name": "My Project",
        "organization_id": owner.organization,
        "role": "owner",
        "message": "Project created successfully",
    }
    assert refusal(owner.api.post("/api/projects", json=body), 400) == (
        "Project name already exists in this organization"
    )
    assert refusal(member.api.post("/api/projects", json=body | {"name": "Other"}), 403) == (
        "Only organization owners and admins can create projects"
    )
    assert refusal(stranger.api.post("/api/projects", json=body), 404) == "Organization not found"
    listed = admin.api.get("/api/projects").json()
    assert listed["total_count"] == 1
    (shown,) = listed["projects"]
    assert at_end(shown["createdAt"])
    assert at_end(shown["updatedAt"])
    everything = {"canRead": True, "canWrite": True, "canDelete": True, "canInvite": True}
    assert {name: value for name, value in shown.items() if not name.endswith("At")} == {
        "_id": made["project_id"],
        "name": "My Project",
        "organizationId": owner.organization,
        "ownerId": admin.id,
        "isOwner": True,
        "isOrgOwner": False,
        "role": "admin",
        "userPermissions": everything,
    }
    (to_owner,) = owner.api.get("/api/projects").json()["projects"]
    assert (to_owner["isOwner"], to_owner["isOrgOwner"], to_owner["role"]) == (False, True, "admin")
    one = admin.api.get(f"/api/projects/{made['project_id']}").json()
    assert one.pop("currentUser") == {
        "userId": admin.id,
        "role": "admin",
        "isOwner": True,
        "permissions": everything,
    }
    assert one == {name: shown[name] for name in one}
    assert set(one) == {"_id", "name", "organizationId", "ownerId", "createdAt", "updatedAt", "isOwner"}
    in_organization = owner.api.get(f"/api/organizations/{owner.organization}/projects").json()["projects"]
    assert [project["_id"] for project in in_organization] == [made["project_id"]]


def test_projects_of_own_organizations_come_first_and_newest_first(crew: list[Person]) -> None:
    owner, admin, member, _ = crew
    theirs = owner.new_project()
    owner.add_to(theirs, member, "viewer")
    first, second = member.new_project(), member.new_project()
    assert [one["_id"] for one in member.api.get("/api/projects").json()["projects"]] == [second, first, theirs]
    viewer = member.api.get(f"/api/projects/{theirs}").json()["currentUser"]
    assert viewer["permissions"] == {"canRead": True, "canWrite": False, "canDelete": False, "canInvite": False}
    assert admin.api.get("/api/projects").json() == {"projects": [], "total_count": 0}


def test_who_is_not_in_a_project_does_not_see_it(crew: list[Person]) -> None:
    owner, admin, member, stranger = crew
    project = owner.new_project()
    for path in ("", "/members"):
        for one in (admin, member):
            assert refusal(one.api.get(f"/api/projects/{project}{path}"), 403) == (
                "Access denied - not a member of this project"
            )
        assert refusal(stranger.api.get(f"/api/projects/{project}{path}"), 404) == "Project not found"
        assert refusal(owner.api.get(f"/api/projects/proj_unknown{path}"), 404) == "Project not found"
    assert refusal(member.api.get(f"/api/projects/{project}/api-keys"), 403) == (
        "You do not have access to this project"
    )
    # Somebody with several organizations of their own, too.
    stranger.new_organization()
    assert refusal(stranger.api.get(f"/api/projects/{project}"), 404) == "Project not found"
    assert refusal(stranger.api.get("/api/projects/a b"), 400) == "Invalid project_id format"


def test_members_of_a_project_come_change_and_go(server: Server, crew: list[Person]) -> None:
    owner, admin, member, stranger = crew
    project = admin.new_project(owner.organization)
    path = f"/api/projects/{project}/members"
    added = admin.api.post(path, json={"user_id": member.id})
    assert added.status_code == 200
    body = added.json()
    editor = {"canRead": True, "canWrite": True, "canDelete": True, "canInvite": False}
    assert body.pop("member_id")
    assert body == {
        "project_id": project,
        "user_id": member.id,
        "role": "editor",
        "permissions": editor,
        "message": "User added to project successfully",
    }
    assert refusal(admin.api.post(path, json={"user_id": member.id}), 400) == (
        "User already has access to this project"
    )
    assert refusal(admin.api.post(path, json={"user_id": stranger.id}), 400) == (
        "User must be a member of the organization first"
    )
    listed = member.api.get(path).json()
    assert (listed["project_id"], listed["total_count"]) == (project, 1)
    (shown,) = listed["members"]
    assert at_end(shown.pop("addedAt"))
    assert shown.pop("name")
    assert shown == {
        "userId": member.id,
        "email": member.email,
        "role": "editor",
        "permissions": editor,
        "addedBy": admin.id,
        "isOwner": False,
    }
    assert refusal(member.api.put(f"{path}/{member.id}", json={"role": "admin"}), 403) == (
        "Only project admins can perform this action"
    )
    changed = admin.api.put(f"{path}/{member.id}", json={"role": "admin"}).json()
    assert changed == {
        "message": "Member role updated successfully",
        "project_id": project,
        "user_id": member.id,
        "old_role": "editor",
        "new_role": "admin",
        "new_permissions": editor | {"canInvite": True},
    }
    assert "admin" in refusal(admin.api.put(f"{path}/{member.id}", json={"role": "viewer"}), 400)
    assert refusal(admin.api.put(f"{path}/{stranger.id}", json={"role": "viewer"}), 404) == (
        "User is not a member of this project"
    )
    with client(server, member.new_key(project)) as by_key:
        assert by_key.get("/api/memories").status_code == 200
        assert admin.api.delete(f"{path}/{member.id}").json() == {
            "message": "User removed from project successfully",
            "project_id": project,
            "user_id": member.id,
            "cascades": {"api_keys_deactivated": 1},
        }
        assert by_key.get("/api/memories").status_code == 401
    assert refusal(admin.api.delete(f"{path}/{member.id}"), 404) == "User is not a member of this project"
    admin.add_to(project, member, "viewer")
    assert refusal(member.api.delete(f"{path}/{admin.id}"), 403) == "Only project admins can remove other members"
    assert member.api.delete(f"{path}/{member.id}").status_code == 200


def test_a_project_is_deleted_with_its_memories(server: Server, crew: list[Person]) -> None:
    owner, admin, member, stranger = crew
    project = admin.new_project(owner.organization)
    owner.add_to(project, member, "admin")
    owner.invite(stranger)
    admin.api.post(f"/api/projects/{project}/invitations", json={"email": stranger.email})
    with client(server, member.new_key(project)) as by_key:
        memory_id = add(by_key, "Kept")
        assert refusal(member.api.delete(f"/api/projects/{project}"), 403) == (
            "Only the project owner can delete the project"
        )
        answer = admin.api.delete(f"/api/projects/{project}").json()
        assert answer.pop("note")
        assert answer.pop("project_name")
        assert answer == {
            "message": "Project deleted successfully",
            "project_id": project,
            "cascades": {
                "members_removed": 1,
                "api_keys_deactivated": 1,
                "invitations_cancelled": 1,
                "memories_deleted": 1,
            },
        }
        assert by_key.get(f"/api/memories/{memory_id}").status_code == 401
    assert refusal(owner.api.get(f"/api/projects/{project}"), 404) == "Project not found"
    assert owner.api.get(f"/api/memories/{memory_id}").status_code == 404


# --- keys -----------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_listed_without_its_secret(server: Server, crew: list[Person]) -> None:
    owner, _, member, _ = crew
    project = owner.new_project()
    path = f"/api/projects/{project}/api-keys"
    body = {"name": "Production Key", "permissions": ["read", "write"], "expires_in_days": 90}
    made = owner.api.post(path, json=body).json()
    key = made["api_key"]
    assert key.startswith("sk_im_")
    assert key.startswith(made["prefix"])
    assert len(made["prefix"]) < len(key) / 2
    assert at_end(made["expires_at"])
    assert "not be shown again" in made["message"]
    assert {name: made[name] for name in ("name", "permissions", "project_id", "organization_id")} == {
        "name": "Production Key",
        "permissions": ["read", "write"],
        "project_id": project,
        "organization_id": owner.organization,
    }
    with client(server, key) as by_key:
        add(by_key, "Kept by key")
    owner.add_to(project, member, "viewer")
    listed = member.api.get(path)
    assert key not in listed.text
    assert listed.json()["total"] == 1
    (shown,) = listed.json()["api_keys"]
    assert at_end(shown.pop("created_at"))
    assert at_end(shown.pop("last_used"))
    assert shown == {
        "id": made["api_key_id"],
        "name": "Production Key",
        "prefix": made["prefix"],
        "key_prefix": made["key_prefix"],
        "owner_id": owner.id,
        "owner_email": owner.email,
        "permissions": ["read", "write"],
        "is_active": True,
        "auto_generated": False,
        "expires_at": made["expires_at"],
    }
    assert refusal(member.api.delete(f"{path}/{made['api_key_id']}"), 403) == (
        "You can only delete your own API keys (or admin can delete any key)"
    )
    assert owner.api.delete(f"{path}/{made['api_key_id']}").json() == {
        "message": "API key deleted successfully",
        "key_id": made["api_key_id"],
        "key_prefix": made["key_prefix"],
    }
    assert owner.api.get(path).json() == {"api_keys": [], "total": 0}
    assert refusal(owner.api.delete(f"{path}/{made['api_key_id']}"), 404) == "API key not found in this project"


def test_a_key_has_the_rights_of_who_makes_it_or_less(crew: list[Person]) -> None:
    owner, _, member, _ = crew
    project = owner.new_project()
    owner.add_to(project, member, "viewer")
    path = f"/api/projects/{project}/api-keys"

    def permissions(by: Person, **body: Any) -> list[str]:
        answer = by.api.post(path, json={"name": "k", **body})
        assert answer.status_code == 200, answer.text
        assert answer.json()["expires_at"] is None
        words: list[str] = answer.json()["permissions"]
        return words

    assert permissions(owner) == permissions(owner, permissions=[]) == ["read", "write", "delete"]
    assert permissions(owner, permissions=["read"], expires_in_days=0) == ["read"]
    assert permissions(member) == ["read"]
    for asked in (["read", "write"], ["delete"], ["admin"]):
        assert refusal(member.api.post(path, json={"name": "k", "permissions": asked}), 403) == (
            "Cannot create API key with permissions you don't have"
        )
    own = member.api.post(path, json={"name": "k"}).json()["api_key_id"]
    assert member.api.delete(f"{path}/{own}").status_code == 200
