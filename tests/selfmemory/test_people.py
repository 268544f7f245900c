"""Invitations, notifications and accounts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from tests.selfmemory.conftest import client
from tests.selfmemory.people import Person, people
from tests.selfmemory.test_tenancy import at_end, refusal
from tests.serving import Server


@pytest.fixture
def three(server: Server) -> Iterator[list[Person]]:
    """Three accounts that know nothing of each other."""
    with people(server, 3) as three:
        yield three


def test_an_invitation_to_an_organization_is_shown_accepted_once_and_told_of(
    server: Server, three: list[Person]
) -> None:
    owner, invitee, other = three
    project, second = owner.new_project(), owner.new_project()
    body = {
        "email": invitee.email,
        "role": "member",
        "projectIds": [project, second],
        "projectRoles": {project: "editor"},
    }
    path = f"/api/organizations/{owner.organization}"
    made = owner.api.post(f"{path}/invitations", json=body).json()
    assert at_end(made["expires_at"])
    token = made["token"]
    names = {one["_id"]: one["name"] for one in owner.api.get("/api/projects").json()["projects"]}
    assert {name: made[name] for name in ("email", "organization_id", "role", "project_assignments", "message")} == {
        "email": invitee.email,
        "organization_id": owner.organization,
        "role": "member",
        "project_assignments": [
            {"projectId": project, "projectName": names[project], "role": "editor"},
            {"projectId": second, "projectName": names[second], "role": "viewer"},
        ],
        "message": "Invitation created successfully",
    }
    with client(server) as anybody:
        shown = anybody.get(f"/api/invitations/{token}")
    assert shown.status_code == 200
    view = shown.json()
    assert at_end(view["created_at"])
    organization = owner.api.get(path).json()["name"]
    assert {name: value for name, value in view.items() if not name.endswith("_at")} == {
        "invitation_id": made["invitation_id"],
        "token": token,
        "email": invitee.email,
        "organization_id": owner.organization,
        "organization_name": organization,
        "project_id": None,
        "project_name": None,
        "role": "member",
        "invited_by_email": owner.email,
        "status": "pending",
    }
    assert invitee.api.get("/api/invitations/pending").json() == [view]
    assert other.api.get("/api/invitations/pending").json() == []
    assert refusal(other.api.post(f"/api/invitations/{token}/accept"), 403) == (
        "This invitation was sent to a different email address"
    )
    assert invitee.api.post(f"/api/invitations/{token}/accept").json() == {
        "message": "Invitation accepted successfully",
        "organization_id": owner.organization,
        "organization_name": organization,
        "project_id": None,
        "project_name": None,
        "role": "member",
        "projects_added": 2,
    }
    for again in (invitee.api.post(f"/api/invitations/{token}/accept"), other.api.get(f"/api/invitations/{token}")):
        assert refusal(again, 410) == "This invitation has already been accepted"
    assert {one["_id"] for one in invitee.api.get("/api/projects").json()["projects"]} == {project, second}
    told = owner.api.get("/api/notifications").json()
    assert told["unread_count"] == 1
    (notice,) = told["notifications"]
    assert at_end(notice.pop("createdAt"))
    assert notice.pop("id")
    assert notice == {
        "type": "invitation_accepted",
        "title": f"{invitee.email} accepted your invitation",
        "message": f"{invitee.email} joined {organization} as member",
        "metadata": {
            "email": invitee.email,
            "organizationName": organization,
            "projectName": None,
            "role": "member",
        },
        "read": False,
    }


def test_invitations_that_make_no_sense_are_refused(three: list[Person]) -> None:
    owner, member, stranger = three
    owner.invite(member)
    own, foreign = owner.new_organization(), stranger.new_project()
    elsewhere = owner.new_project(own)
    path = f"/api/organizations/{owner.organization}/invitations"

    def invite(by: Person = owner, **body: object) -> httpx2.Response:
        return by.api.post(path, json={"email": "new@example.org", **body})

    assert refusal(invite(email=owner.email), 400) == "You cannot invite yourself"
    assert refusal(invite(email=member.email), 400) == "User is already a member of this organization"
    assert refusal(invite(projectIds=[elsewhere]), 400) == (f"Project {elsewhere} does not belong to this organization")
    for unknown in (foreign, "proj_unknown"):
        assert refusal(invite(projectIds=[unknown]), 404) == f"Project not found: {unknown}"
    mine = owner.new_project()
    assert refusal(invite(projectIds=[mine], projectRoles={mine: "owner"}), 400) == "Invalid project role: owner"
    assert "role" in refusal(invite(role="owner"), 400)
    assert "email" in refusal(invite(email="nobody"), 400)
    assert refusal(invite(member), 403) == "Only organization admins can invite users"
    owner.api.put(f"/api/organizations/{owner.organization}/members/{member.id}", json={"role": "admin"})
    assert refusal(invite(member, email=owner.email), 400) == "User is the owner of this organization"
    assert owner.api.get(f"/api/organizations/{owner.organization}/members").json()["total_pending"] == 0


def test_a_newer_invitation_replaces_an_older_one_and_a_cancelled_one_opens_nothing(three: list[Person]) -> None:
    owner, invitee, stranger = three
    path = f"/api/organizations/{owner.organization}/invitations"
    old, new = (owner.api.post(path, json={"email": invitee.email}).json() for _ in range(2))
    assert refusal(invitee.api.get(f"/api/invitations/{old['token']}"), 404) == "Invitation not found"
    assert len(invitee.api.get("/api/invitations/pending").json()) == 1
    assert refusal(stranger.api.delete(f"{path}/{new['invitation_id']}"), 404) == "Organization not found"
    assert owner.api.delete(f"{path}/{new['invitation_id']}").json() == {
        "message": "Invitation cancelled successfully",
        "invitation_id": new["invitation_id"],
        "email": invitee.email,
    }
    assert refusal(invitee.api.post(f"/api/invitations/{new['token']}/accept"), 404) == "Invitation not found"
    assert refusal(owner.api.delete(f"{path}/{new['invitation_id']}"), 400) == (
        "Cannot cancel invitation with status: cancelled"
    )
    assert refusal(owner.api.delete(f"{path}/{owner.id}"), 404) == "Invitation not found"


def test_an_invitation_expires(server: Server, three: list[Person]) -> None:
    owner, invitee, _ = three
    core = server.core
    rules = core.invitations._rules
    core.invitations._rules = replace(rules, invitation_lifetime=timedelta(microseconds=1))
    try:
        path = f"/api/organizations/{owner.organization}/invitations"
        token = owner.api.post(path, json={"email": invitee.email}).json()["token"]
    finally:
        core.invitations._rules = rules
    assert invitee.api.get("/api/invitations/pending").json() == []
    for answer in (invitee.api.get(f"/api/invitations/{token}"), invitee.api.post(f"/api/invitations/{token}/accept")):
        assert refusal(answer, 410) == "This invitation has expired"


def test_an_invitation_to_a_project_depends_on_who_is_invited(three: list[Person]) -> None:
    owner, member, stranger = three
    owner.invite(member)
    project = owner.new_project()
    path = f"/api/projects/{project}/invitations"
    outside = owner.api.post(path, json={"email": stranger.email, "role": "viewer"}).json()
    name = owner.api.get(f"/api/projects/{project}").json()["name"]
    assert outside["invitation_type"] == "organization"
    assert outside["project_assignments"] == [{"project_id": project, "project_name": name, "role": "viewer"}]
    assert outside["message"] == "Organization invitation created with project assignment"
    inside = owner.api.post(path, json={"email": member.email}).json()
    assert (inside["invitation_type"], inside["project_id"], inside["role"]) == ("project", project, "editor")
    assert inside["message"] == "Project invitation created successfully"
    assert refusal(owner.api.post(path, json={"email": member.email}), 400) == (
        "User already has a pending invitation to this project"
    )
    assert refusal(owner.api.post(path, json={"email": stranger.email}), 400) == (
        "User already has a pending organization invitation"
    )
    accepted = member.api.post(f"/api/invitations/{inside['token']}/accept").json()
    assert (accepted["project_id"], accepted["project_name"], accepted["role"]) == (project, name, "editor")
    assert accepted["projects_added"] == 1
    stranger.api.post(f"/api/invitations/{outside['token']}/accept")
    assert stranger.api.get(f"/api/projects/{project}").json()["currentUser"]["role"] == "viewer"
    roles = {
        one["userId"]: one["role"]
        for one in owner.api.get(f"/api/organizations/{owner.organization}/members").json()["members"]
    }
    assert (roles[member.id], roles[stranger.id]) == ("member", "member")
    assert refusal(owner.api.post(path, json={"email": member.email}), 400) == (
        "User already has access to this project"
    )
    assert refusal(owner.api.post(path, json={"email": owner.email}), 400) == "You cannot invite yourself"
    assert refusal(member.api.post(path, json={"email": "x@example.org"}), 403) == (
        "Only project admins can perform this action"
    )
    owner.api.put(f"/api/projects/{project}/members/{member.id}", json={"role": "admin"})
    assert refusal(member.api.post(path, json={"email": owner.email}), 400) == "User is the owner of this project"


def test_notifications_are_read_one_by_one_or_all_at_once(three: list[Person]) -> None:
    owner, member, other = three
    owner.invite(member)
    owner.invite(other)
    first, second = owner.api.get("/api/notifications").json()["notifications"]
    assert first["createdAt"] >= second["createdAt"]
    path = f"/api/notifications/{second['id']}/read"
    assert owner.api.put(path).json() == {
        "message": "Notification marked as read",
        "notification_id": second["id"],
    }
    assert refusal(member.api.put(path), 404) == "Notification not found"
    assert refusal(owner.api.put(f"/api/notifications/{owner.id}/read"), 404) == "Notification not found"
    assert refusal(owner.api.put("/api/notifications/not an id/read"), 400) == "Invalid notification_id format"
    now = owner.api.get("/api/notifications").json()
    assert ([one["read"] for one in now["notifications"]], now["unread_count"]) == ([False, True], 1)
    assert owner.api.put("/api/notifications/read-all").json() == {
        "message": "All notifications marked as read",
        "count": 1,
    }
    assert owner.api.get("/api/notifications").json()["unread_count"] == 0


def test_an_account_is_shown_and_ended_by_the_rules(server: Server, three: list[Person]) -> None:
    owner, member, _ = three
    me = member.api.get("/api/users/me").json()
    assert at_end(me.pop("createdAt"))
    assert me == {
        "user_id": member.id,
        "_id": member.id,
        "email": member.email,
        "name": member.email.partition("@")[0],
        "kratosId": member.id,
        "isActive": True,
        "lastLogin": None,
    }
    owner.invite(member)
    project = owner.new_project()
    owner.add_to(project, member, "editor")
    key = member.new_key(project)
    name = member.api.get(f"/api/organizations/{member.organization}").json()["name"]
    assert refusal(member.api.delete("/api/users/me"), 400) == (
        f"Cannot delete account. You are the owner of 1 organization(s): {name}. Transfer ownership first."
    )
    assert member.api.delete(f"/api/organizations/{member.organization}").status_code == 200
    with client(server, key) as by_key:
        assert by_key.get("/api/users/me").json()["user_id"] == member.id
        assert by_key.delete("/api/users/me").status_code == 403
        ended = member.api.delete("/api/users/me").json()
        assert ended.pop("note")
        assert ended == {
            "message": "User account deleted successfully",
            "user_id": member.id,
            "cascades": {
                "api_keys_deactivated": 1,
                "organizations_removed": 1,
                "projects_removed": 1,
                "invitations_cancelled": 0,
            },
        }
        assert by_key.get("/api/memories").status_code == 401
    assert refusal(member.api.get("/api/users/me"), 401) == "Token is not active"
