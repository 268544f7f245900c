"""The statements about accounts, members, invitations, notifications and the audit trail, as in `statements`.

What belongs to an account names `user_id`, what belongs to an organization `organization_id`; the few that find out
who somebody is, or serve the operator, say so.
"""

_USER = "u.id, u.email, u.name, u.password_hash, u.active, u.created_at, u.last_login_at"

# --- accounts ----------------------------------------------------------------------------------

INSERT_USER = """
INSERT INTO users (id, email, email_key, name, password_hash, active, created_at, last_login_at)
VALUES (:id, :email, :email_key, :name, :password_hash, :active, :created_at, :last_login_at) ON CONFLICT DO NOTHING"""
"""A new account, unless its address has one; this is how an account begins."""

USER_BY_ID = f"SELECT {_USER} FROM users u WHERE u.id = :user_id"
"""The account of an id."""

USER_BY_EMAIL = f"SELECT {_USER} FROM users u WHERE u.email_key = :email_key"
"""The account of an address; this is how somebody who logs in is found."""

USERS_BY_NAME = f"SELECT {_USER} FROM users u WHERE u.name = :name AND u.active = 1 ORDER BY u.created_at, u.id"
"""The active accounts of a name; this is how somebody who logs in is found."""

USERS = f"SELECT {_USER} FROM users u ORDER BY u.created_at, u.id LIMIT :limit OFFSET :offset"
"""A page of all accounts; for the operator."""

COUNT_USERS = "SELECT count(*) FROM users"
"""How many accounts there are; for the operator."""

UPDATE_USER = """
UPDATE users SET name = :name, password_hash = :password_hash, last_login_at = :last_login_at WHERE id = :user_id"""
"""What an account's holder can change."""

DEACTIVATE_USER = """
UPDATE users SET active = 0, password_hash = NULL, email_key = :gone WHERE id = :user_id AND active = 1"""
"""Ends an account; its address is free for a new one."""

# --- secrets of accounts -------------------------------------------------------------------------

_TOKEN = "user_id, id, purpose, name, prefix, digest, created_at, expires_at, revoked_at, last_used_at"

INSERT_TOKEN = f"""
INSERT INTO account_tokens ({_TOKEN}) VALUES (:user_id, :id, :purpose, :name, :prefix, :digest, :created_at,
:expires_at, :revoked_at, :last_used_at)"""
"""A new secret of an account."""

TOKENS = f"""
SELECT {_TOKEN} FROM account_tokens WHERE user_id = :user_id AND purpose = :purpose AND revoked_at IS NULL
ORDER BY created_at, id"""
"""An account's secrets of one purpose."""

TOKENS_BY_PREFIX = f"SELECT {_TOKEN} FROM account_tokens WHERE prefix = :prefix AND revoked_at IS NULL"
"""The secrets a credential may be, of any account: this is how a caller's account is found."""

TOUCH_TOKEN = "UPDATE account_tokens SET last_used_at = :at WHERE user_id = :user_id AND id = :id"
"""Records the use of a secret."""

REVOKE_TOKEN = """
UPDATE account_tokens SET revoked_at = :at WHERE user_id = :user_id AND id = :id AND revoked_at IS NULL"""
"""Ends a secret."""

REVOKE_TOKENS = """
UPDATE account_tokens SET revoked_at = :at
WHERE user_id = :user_id AND purpose IN (:purposes...) AND id <> :but AND revoked_at IS NULL"""
"""Ends an account's secrets of some purposes, but for one."""

FORGET_TOKENS = """
DELETE FROM account_tokens WHERE user_id = :user_id AND purpose <> 'bearer'
AND (revoked_at IS NOT NULL OR expires_at <= :at)"""
"""Removes an account's sessions and reset links that are over."""

# --- organizations and members -------------------------------------------------------------------

OWNS_NAMED = """
SELECT 1 FROM memberships m JOIN organizations o ON o.id = m.organization_id
WHERE m.user_id = :user_id AND m.role = 'owner' AND o.name = :name AND o.id <> :organization_id"""
"""Whether the user owns another organization of this name."""

RENAME_ORGANIZATION = "UPDATE organizations SET name = :name WHERE id = :organization_id"
"""Another name for an organization."""

_SEATS = """
SELECT o.id, o.slug, o.name, o.created_at, m.role, m.joined_at
FROM memberships m JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = :user_id"""

SEATS = f"{_SEATS} ORDER BY CASE m.role WHEN 'owner' THEN 0 ELSE 1 END, m.joined_at, o.id"
"""The organizations of a user."""

SEAT = f"""{_SEATS} AND (o.id = :organization OR o.slug = :organization)
ORDER BY CASE o.id WHEN :organization THEN 0 ELSE 1 END"""
"""The organization of an id or slug, if it is one of the user's."""

_MEMBERS = f"""
SELECT {_USER}, m.organization_id, m.user_id, m.role, m.joined_at, m.invited_by,
    (SELECT count(*) FROM projects p WHERE p.organization_id = m.organization_id AND (p.owner_id = m.user_id OR EXISTS (
        SELECT 1 FROM project_memberships q
        WHERE q.organization_id = p.organization_id AND q.project_id = p.id AND q.user_id = m.user_id)))
FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.organization_id = :organization_id"""

MEMBERS = f"{_MEMBERS} ORDER BY m.joined_at, m.user_id LIMIT :limit OFFSET :offset"
"""A page of an organization's members."""

MEMBER = f"{_MEMBERS} AND m.user_id = :user_id"
"""A member of an organization."""

COUNT_MEMBERS = "SELECT count(*) FROM memberships WHERE organization_id = :organization_id"
"""How many members an organization has."""

OWNER = f"""
SELECT {_USER} FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = :organization_id AND m.role = 'owner'"""
"""An organization's owner."""

INSERT_MEMBER = """
INSERT INTO memberships (organization_id, user_id, role, joined_at, invited_by)
VALUES (:organization_id, :user_id, :role, :joined_at, :invited_by) ON CONFLICT (organization_id, user_id) DO NOTHING"""
"""A new member, unless they are one."""

SET_ROLE = """
UPDATE memberships SET role = :role
WHERE organization_id = :organization_id AND user_id = :user_id AND role <> 'owner'"""
"""Another role for a member who is not the owner."""

IS_ADMIN = """
SELECT 1 FROM memberships WHERE organization_id = :organization_id AND user_id = :user_id AND role = 'admin'"""
"""Whether a user is an admin of the organization."""

DEMOTE_OWNER = "UPDATE memberships SET role = 'admin' WHERE organization_id = :organization_id AND role = 'owner'"
"""The first half of a transfer."""

PROMOTE_OWNER = """
UPDATE memberships SET role = 'owner'
WHERE organization_id = :organization_id AND user_id = :user_id AND role = 'admin'"""
"""The second half of a transfer."""

DELETE_MEMBER = """
DELETE FROM memberships WHERE organization_id = :organization_id AND user_id = :user_id AND role <> 'owner'"""
"""Removes a member who is not the owner."""

DELETE_PLACES = "DELETE FROM project_memberships WHERE organization_id = :organization_id AND user_id = :user_id"
"""Removes a user from all projects of an organization."""

INHERIT_PROJECTS = """
UPDATE projects SET owner_id = (
    SELECT m.user_id FROM memberships m WHERE m.organization_id = :organization_id AND m.role = 'owner')
WHERE organization_id = :organization_id AND owner_id = :user_id"""
"""Gives a user's projects to the organization's owner."""

REVOKE_KEYS_OF_USER = """
UPDATE api_keys SET revoked_at = :at
WHERE organization_id = :organization_id AND creator_id = :user_id AND revoked_at IS NULL"""
"""Ends a user's keys of an organization."""

COUNT_IN_ORGANIZATION = "SELECT count(*) FROM {table} WHERE organization_id = :organization_id{condition}"
"""Rows of a table that belong to an organization."""

DELETE_IN_ORGANIZATION = "DELETE FROM {table} WHERE organization_id = :organization_id"
"""Removes an organization's rows of a table."""

DELETE_ORGANIZATION = "DELETE FROM organizations WHERE id = :organization_id"
"""Removes an organization that holds nothing any more."""

# --- projects and their members ------------------------------------------------------------------

_PROJECT = (
    "p.organization_id, p.id, p.key, p.slug, p.name, p.description, p.stack, p.active, p.owner_id, "
    "p.created_at, p.updated_at"
)
_REACHES = f"""
SELECT {_PROJECT}, m.role, q.role FROM memberships m
JOIN projects p ON p.organization_id = m.organization_id
LEFT JOIN project_memberships q
    ON q.organization_id = p.organization_id AND q.project_id = p.id AND q.user_id = m.user_id
WHERE m.user_id = :user_id"""

REACHES = f"{_REACHES} ORDER BY p.created_at DESC, p.id DESC"
"""How a user stands to every project of their organizations."""

REACHES_IN_ORGANIZATION = f"{_REACHES} AND m.organization_id = :organization_id ORDER BY p.created_at DESC, p.id DESC"
"""The same of one organization."""

REACH = f"{_REACHES} AND p.id = :project_id"
"""The same of one project."""

SOLE_ADMIN_OF = f"""{_REACHES}
AND (p.owner_id = :user_id OR (q.role = 'admin' AND (p.owner_id IS NULL OR p.owner_id = :user_id)))
AND NOT EXISTS (
    SELECT 1 FROM project_memberships x WHERE x.organization_id = p.organization_id AND x.project_id = p.id
    AND x.role = 'admin' AND x.user_id <> :user_id)
ORDER BY p.created_at DESC, p.id DESC"""
"""The projects that nobody else owns or administers."""

_PLACE = "q.organization_id, q.project_id, q.user_id, q.role, q.added_at, q.added_by"
_PLACES = f"""
SELECT {_USER}, {_PLACE}
FROM project_memberships q JOIN users u ON u.id = q.user_id
WHERE q.organization_id = :organization_id AND q.project_id = :project_id"""

PROJECT_MEMBERS = f"{_PLACES} ORDER BY q.added_at, q.user_id LIMIT :limit OFFSET :offset"
"""A page of a project's members."""

FIRST_PROJECT_MEMBERS = f"""
SELECT * FROM (
    SELECT {_USER}, {_PLACE}, count(*) OVER (PARTITION BY q.project_id) AS total,
        row_number() OVER (PARTITION BY q.project_id ORDER BY q.added_at, q.user_id) AS place
    FROM project_memberships q JOIN users u ON u.id = q.user_id
    WHERE q.organization_id = :organization_id AND q.project_id IN (:ids...)) AS placed
WHERE place <= :limit ORDER BY place"""
"""The first members of each of some projects, and how many each has."""

PROJECT_MEMBER = f"{_PLACES} AND q.user_id = :user_id"
"""A member of a project."""

COUNT_PROJECT_MEMBERS = """
SELECT count(*) FROM project_memberships WHERE organization_id = :organization_id AND project_id = :project_id"""
"""How many members a project has."""

PROJECT_ADMINS = """
SELECT user_id FROM project_memberships
WHERE organization_id = :organization_id AND project_id = :project_id AND role = 'admin' ORDER BY added_at, user_id"""
"""A project's admins."""

INSERT_PROJECT_MEMBER = """
INSERT INTO project_memberships (organization_id, project_id, user_id, role, added_at, added_by)
SELECT m.organization_id, p.id, m.user_id, CAST(:role AS TEXT), CAST(:added_at AS BIGINT), CAST(:added_by AS TEXT)
FROM memberships m JOIN projects p ON p.organization_id = m.organization_id AND p.id = :project_id
WHERE m.organization_id = :organization_id AND m.user_id = :user_id
AND (p.owner_id IS NULL OR p.owner_id <> m.user_id)
ON CONFLICT (organization_id, project_id, user_id) DO NOTHING"""
"""A new member of a project, if they are of the organization and are neither a member of the project nor own it."""

SET_PROJECT_ROLE = """
UPDATE project_memberships SET role = :role
WHERE organization_id = :organization_id AND project_id = :project_id AND user_id = :user_id"""
"""Another role for a member of a project."""

DELETE_PROJECT_MEMBER = """
DELETE FROM project_memberships
WHERE organization_id = :organization_id AND project_id = :project_id AND user_id = :user_id"""
"""Removes a member of a project."""

REVOKE_KEYS_OF_MEMBER = """
UPDATE api_keys SET revoked_at = :at
WHERE organization_id = :organization_id AND project_id = :project_id AND creator_id = :user_id
AND revoked_at IS NULL"""
"""Ends a user's keys of a project."""

TOMBSTONES_OF_PROJECT = """
INSERT INTO tombstones (organization_id, memory_id, seq)
SELECT organization_id, id, CAST(:seq AS BIGINT) FROM memories
WHERE organization_id = :organization_id AND project_id = :project_id
ON CONFLICT (organization_id, memory_id) DO UPDATE SET seq = excluded.seq"""
"""Tells indexes that all memories of a project are gone."""

DELETE_OF_PROJECT = "DELETE FROM {table} WHERE organization_id = :organization_id AND project_id = :project_id"
"""Removes a project's rows of a table."""

DELETE_PROJECT = "DELETE FROM projects WHERE organization_id = :organization_id AND id = :project_id"
"""Removes a project that holds nothing any more."""

LINKED_FROM_OUTSIDE = """
SELECT m.id FROM memories m
WHERE m.organization_id = :organization_id AND (m.project_id IS NULL OR m.project_id <> :project_id)
AND (m.superseded_by IN (
        SELECT x.id FROM memories x WHERE x.organization_id = :organization_id AND x.project_id = :project_id)
    OR m.supersedes IN (
        SELECT x.id FROM memories x WHERE x.organization_id = :organization_id AND x.project_id = :project_id))"""
"""The memories elsewhere that replace, or are replaced by, one of a project."""

# --- keys ----------------------------------------------------------------------------------------

_KEY = """organization_id, id, project_id, name, prefix, digest, permissions, created_at, expires_at, revoked_at,
last_used_at, creator_id"""

KEY = f"""
SELECT {_KEY} FROM api_keys WHERE organization_id = :organization_id AND id = :id AND revoked_at IS NULL"""
"""The live key of an id."""

PROJECT_KEYS = f"""
SELECT {_KEY} FROM api_keys
WHERE organization_id = :organization_id AND project_id = :project_id AND revoked_at IS NULL ORDER BY created_at, id"""
"""The live keys of a project."""

KEYS_EXPIRING = f"""
SELECT {_KEY} FROM api_keys
WHERE creator_id IS NOT NULL AND revoked_at IS NULL AND expires_at > :after AND expires_at <= :until
ORDER BY expires_at, id"""
"""The live keys of all organizations that end in some time; for the operator."""

# --- invitations ---------------------------------------------------------------------------------

_INVITATION = """organization_id, id, project_id, email, role, assignments, token, invited_by, status, created_at,
expires_at"""

INSERT_INVITATION = """
INSERT INTO invitations (organization_id, id, project_id, email, email_key, role, assignments, token, digest,
    invited_by, status, created_at, expires_at)
VALUES (:organization_id, :id, :project_id, :email, :email_key, :role, :assignments, :token, :digest,
    :invited_by, :status, :created_at, :expires_at)"""
"""A new invitation."""

REPLACE_INVITATIONS = """
UPDATE invitations SET status = 'cancelled', token = NULL
WHERE organization_id = :organization_id AND email_key = :email_key AND status = 'pending'
AND coalesce(project_id, '') = :project"""
"""Ends the pending invitations of an address to the same place."""

INVITATION = f"SELECT {_INVITATION} FROM invitations WHERE organization_id = :organization_id AND id = :id"
"""The invitation of an id."""

INVITATION_BY_DIGEST = f"SELECT {_INVITATION} FROM invitations WHERE digest = :digest"
"""The invitation a token opens, of any organization: the token is the authorization."""

INVITATIONS = f"""
SELECT {_INVITATION} FROM invitations WHERE organization_id = :organization_id AND status = 'pending'
ORDER BY created_at DESC, id DESC"""
"""The pending invitations of an organization."""

INVITATIONS_TO = f"""
SELECT {_INVITATION} FROM invitations WHERE email_key = :email_key AND status = 'pending' AND expires_at > :at
ORDER BY created_at DESC, id DESC"""
"""The pending invitations of an address, of any organization: they are its own."""

SETTLE_INVITATION = """
UPDATE invitations SET status = :status, token = NULL
WHERE organization_id = :organization_id AND id = :id AND status = 'pending'"""
"""Ends a pending invitation."""

ACCEPT_INVITATION = """
UPDATE invitations SET status = 'accepted', token = NULL
WHERE organization_id = :organization_id AND id = :id AND status = 'pending' AND expires_at > :at"""
"""Ends a pending invitation that is still in time."""

ASSIGN = "UPDATE invitations SET assignments = :assignments WHERE organization_id = :organization_id AND id = :id"
"""Changes which projects an invitation gives."""

CANCEL_INVITATIONS_OF_USER = """
UPDATE invitations SET status = 'cancelled', token = NULL
WHERE (invited_by = :user_id OR email_key = :email_key) AND status = 'pending'"""
"""Ends the pending invitations by a user and to their address, in every organization."""

# --- notifications -------------------------------------------------------------------------------

_NOTIFICATION = "user_id, id, kind, title, message, data, created_at, read_at"

INSERT_NOTIFICATION = """
INSERT INTO notifications (user_id, id, kind, title, message, data, about, created_at, read_at)
VALUES (:user_id, :id, :kind, :title, :message, :data, :about, :created_at, :read_at)"""
"""A new notification."""

FORGET_NOTIFICATIONS = "DELETE FROM notifications WHERE user_id = :user_id AND created_at < :before"
"""Removes a user's old notifications."""

NOTIFICATIONS = f"""
SELECT {_NOTIFICATION} FROM notifications WHERE user_id = :user_id ORDER BY created_at DESC, id DESC LIMIT :limit"""
"""A user's newest notifications."""

COUNT_UNREAD = "SELECT count(*) FROM notifications WHERE user_id = :user_id AND read_at IS NULL"
"""How many a user has not read."""

NOTIFICATION = "SELECT read_at FROM notifications WHERE user_id = :user_id AND id = :id"
"""Whether a user has a notification."""

READ_NOTIFICATION = """
UPDATE notifications SET read_at = :at WHERE user_id = :user_id AND id = :id AND read_at IS NULL"""
"""Marks one as read."""

READ_NOTIFICATIONS = "UPDATE notifications SET read_at = :at WHERE user_id = :user_id AND read_at IS NULL"
"""Marks all as read."""

NOTIFIED = "SELECT 1 FROM notifications WHERE user_id = :user_id AND kind = :kind AND about = :about"
"""Whether a user was told of something."""

DELETE_NOTIFICATIONS = "DELETE FROM notifications WHERE user_id = :user_id"
"""Removes all notifications of a user."""

# --- the audit trail -----------------------------------------------------------------------------

_ENTRY = "organization_id, id, at, actor, action, object_kind, object_id, door, detail"

INSERT_AUDIT = f"""
INSERT INTO audit_entries ({_ENTRY})
VALUES (:organization_id, :id, :at, :actor, :action, :object_kind, :object_id, :door, :detail)"""
"""One more entry of the trail."""

AUDIT = f"""
SELECT {_ENTRY} FROM audit_entries WHERE organization_id = :organization_id
ORDER BY at DESC, id DESC LIMIT :limit OFFSET :offset"""
"""A page of an organization's trail."""

COUNT_AUDIT = "SELECT count(*) FROM audit_entries WHERE organization_id = :organization_id"
"""How many entries a trail has."""
