"""Row ↔ dataclass. Instants are stored as whole microseconds since 1970 UTC, lists and objects as JSON text.

JSON is kept as text rather than in a JSON type because metadata must come back as it was sent: key order, number
form and all. What filters need of it stands in tables of its own.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from polymem.core.model import DEFAULT_IMPORTANCE, DEFAULT_WEIGHT, Delivery, Memory
from polymem.core.people import ApiKey, Organization, Permission, Project
from polymem.core.text import is_question, speaker, words
from polymem.storage.backend import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MICROSECONDS_A_DAY = 86_400_000_000

STATE_COLUMNS = (
    "project_id", "kind", "tags", "importance", "weight", "confidence", "provenance", "container", "title",
    "occurred_at", "valid_from", "valid_to", "expires_at", "supersedes", "superseded_by", "created_at", "updated_at",
    "forgotten_at", "version", "speaker", "is_question", "words", "content_hash", "metadata", "context", "summary",
    "content", "delivery", "validations", "contradictions", "validated_at", "contradicted_at",
)  # fmt: skip
"""The columns of a memory that an update replaces: all but its identity, its uses and its place in the change order."""

MEMORY_COLUMNS = (
    "id", "organization_id", "project_id", "kind", "tags", "importance", "weight", "confidence", "provenance",
    "container", "title", "occurred_at", "valid_from", "valid_to", "expires_at", "supersedes", "superseded_by",
    "access_count", "last_accessed", "created_at", "updated_at", "forgotten_at", "version", "metadata", "context",
    "summary", "content", "delivery", "validations", "contradictions", "validated_at", "contradicted_at",
)  # fmt: skip
"""The columns `from_memory_row` reads, in its order; the project's key follows them."""

_INSTANTS = (
    "occurred_at", "valid_from", "valid_to", "expires_at", "last_accessed", "forgotten_at", "validated_at",
    "contradicted_at",
)  # fmt: skip


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The UTC datetime of that many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def to_optional_micros(instant: datetime | None) -> int | None:
    """As `to_micros`, None for None."""
    return None if instant is None else (instant - _EPOCH) // _MICROSECOND


def from_optional_micros(micros: int | None) -> datetime | None:
    """As `from_micros`, None for None."""
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)


def is_storable(text: str) -> bool:
    """Whether `text` can stand in a text column at all: no NUL, no half of a surrogate pair.

    What cannot be stored cannot be equal to anything stored, so look-ups answer "nothing" without asking the database.
    """
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def content_hash(content: str) -> str:
    """128 bits of BLAKE2b in hex, by which exact duplicates are looked up; equality is then tested on the text."""
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def metadata_entry(key: str, value: object) -> str | None:
    """One top-level metadata entry as a fixed-size text that is equal exactly where `core.filters` says the entries
    are; None for values no filter can name (null, lists, objects).

    JSON has one number type, so 1 and 1.0 give the same entry, and a boolean is no number.
    """
    match value:
        case bool():
            form = "true" if value else "false"
        case float() if value.is_integer():
            form = str(int(value))
        case int() | float():
            form = repr(value)
        case str():
            form = json.dumps(value)
        case _:
            return None
    return hashlib.blake2b(f"{json.dumps(key)}:{form}".encode(), digest_size=16).hexdigest()


def metadata_entries(metadata: Mapping[str, Any]) -> set[str]:
    """The entries of all that a filter can name."""
    return {entry for key, value in metadata.items() if (entry := metadata_entry(key, value)) is not None}


def to_json(value: object) -> str:
    """Compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


# --- memories ----------------------------------------------------------------------------------


def to_memory_params(memory: Memory) -> dict[str, Any]:
    """Every column of a memory's row but `seq`, `arrival` and `indexed_version`."""
    return {
        "organization_id": memory.organization_id,
        "id": memory.id,
        "project_id": memory.project_id,
        "kind": memory.kind,
        "tags": to_json(memory.tags) if memory.tags else "[]",
        "importance": memory.importance,
        "weight": memory.weight,
        "confidence": memory.confidence,
        "provenance": memory.provenance,
        "container": memory.container,
        "title": memory.title,
        "occurred_at": to_optional_micros(memory.occurred_at),
        "valid_from": to_optional_micros(memory.valid_from),
        "valid_to": to_optional_micros(memory.valid_to),
        "expires_at": to_optional_micros(memory.expires_at),
        "supersedes": memory.supersedes,
        "superseded_by": memory.superseded_by,
        "access_count": memory.access_count,
        "last_accessed": to_optional_micros(memory.last_accessed),
        "created_at": to_micros(memory.created_at),
        "updated_at": to_micros(memory.updated_at),
        "forgotten_at": to_optional_micros(memory.forgotten_at),
        "version": memory.version,
        "speaker": _speaker(memory),
        "is_question": int(is_question(memory)),
        "words": len(words(memory.content)),
        "content_hash": content_hash(memory.content),
        "metadata": to_json(memory.metadata) if memory.metadata else "{}",
        "context": memory.context,
        "summary": memory.summary,
        "content": memory.content,
        "delivery": memory.delivery.value,
        "validations": memory.validations,
        "contradictions": memory.contradictions,
        "validated_at": to_optional_micros(memory.validated_at),
        "contradicted_at": to_optional_micros(memory.contradicted_at),
    }


def _speaker(memory: Memory) -> str | None:
    name = speaker(memory)
    return None if name is None else name.casefold()


def from_memory_row(row: Row) -> Memory:
    """A memory from MEMORY_COLUMNS and the project's key."""
    (
        id_, organization_id, project_id, kind, tags, importance, weight, confidence, provenance,
        container, title, occurred_at, valid_from, valid_to, expires_at, supersedes, superseded_by,
        access_count, last_accessed, created_at, updated_at, forgotten_at, version, metadata, context,
        summary, content, delivery, validations, contradictions, validated_at, contradicted_at, project,
    ) = row  # fmt: skip
    return Memory(
        id=id_,
        organization_id=organization_id,
        content=content,
        kind=kind,
        delivery=Delivery(delivery),
        project_id=project_id,
        project=project,
        tags=() if tags == "[]" else tuple(json.loads(tags)),
        importance=importance,
        weight=weight,
        confidence=confidence,
        provenance=provenance,
        container=container,
        context=context,
        title=title,
        summary=summary,
        metadata={} if metadata == "{}" else json.loads(metadata),
        occurred_at=from_optional_micros(occurred_at),
        valid_from=from_optional_micros(valid_from),
        valid_to=from_optional_micros(valid_to),
        expires_at=from_optional_micros(expires_at),
        supersedes=supersedes,
        superseded_by=superseded_by,
        validations=validations,
        contradictions=contradictions,
        validated_at=from_optional_micros(validated_at),
        contradicted_at=from_optional_micros(contradicted_at),
        access_count=access_count,
        last_accessed=from_optional_micros(last_accessed),
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
        forgotten_at=from_optional_micros(forgotten_at),
        version=version,
    )


_DEFAULTS: Mapping[str, Any] = {
    "project_id": None, "tags": (), "importance": DEFAULT_IMPORTANCE, "weight": DEFAULT_WEIGHT, "confidence": None,
    "provenance": None, "container": None, "context": None, "title": None, "summary": None, "metadata": {},
    "occurred_at": None, "valid_from": None, "valid_to": None, "expires_at": None, "supersedes": None,
    "superseded_by": None, "access_count": 0, "last_accessed": None, "forgotten_at": None,
    "delivery": Delivery.ON_DEMAND, "validations": 0, "contradictions": 0, "validated_at": None,
    "contradicted_at": None,
}  # fmt: skip
"""What a snapshot leaves out. These values are part of the stored format: never change one."""


def to_snapshot(memory: Memory) -> str:
    """A version's fields as JSON: all but identity, content, version and project key; defaults are left out."""
    fields: dict[str, Any] = {
        "kind": memory.kind,
        "created_at": to_micros(memory.created_at),
        "updated_at": to_micros(memory.updated_at),
    }
    for name, default in _DEFAULTS.items():
        value = getattr(memory, name)
        if value != default:
            fields[name] = to_micros(value) if isinstance(value, datetime) else value
    return to_json(fields)


def from_snapshot(
    snapshot: str, *, organization_id: str, memory_id: str, version: int, content: str, keys: Mapping[str, str]
) -> Memory:
    """The memory of a version. `keys` gives the present key of a project by its id."""
    fields = json.loads(snapshot)
    for name in (*_INSTANTS, "created_at", "updated_at"):
        if name in fields:
            fields[name] = from_micros(fields[name])
    values = {**_DEFAULTS, **fields}
    values["tags"] = tuple(values["tags"])
    values["delivery"] = Delivery(values["delivery"])
    return Memory(
        id=memory_id,
        organization_id=organization_id,
        version=version,
        content=content,
        project=keys.get(values["project_id"]),
        **values,
    )


# --- people ------------------------------------------------------------------------------------


def to_organization_params(organization: Organization) -> dict[str, Any]:
    """The row of an organization."""
    return {
        "id": organization.id,
        "slug": organization.slug,
        "name": organization.name,
        "created_at": to_micros(organization.created_at),
    }


def from_organization_row(row: Row) -> Organization:
    """An organization from id, slug, name, created_at."""
    id_, slug, name, created_at = row
    return Organization(id=id_, slug=slug, name=name, created_at=from_micros(created_at))


def to_project_params(project: Project) -> dict[str, Any]:
    """The row of a project."""
    return {
        "organization_id": project.organization_id,
        "id": project.id,
        "key": project.key,
        "slug": project.slug,
        "name": project.name,
        "description": project.description,
        "stack": to_json(project.stack),
        "active": int(project.active),
        "owner_id": project.owner_id,
        "created_at": to_micros(project.created_at),
        "updated_at": to_micros(project.updated_at),
    }


def from_project_row(row: Row) -> Project:
    """A project from the columns in the order of `to_project_params`."""
    organization_id, id_, key, slug, name, description, stack, active, owner_id, created_at, updated_at = row
    return Project(
        id=id_,
        organization_id=organization_id,
        key=key,
        slug=slug,
        name=name,
        description=description,
        stack=tuple(json.loads(stack)),
        active=bool(active),
        owner_id=owner_id,
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
    )


def to_key_params(key: ApiKey) -> dict[str, Any]:
    """The row of a key."""
    return {
        "organization_id": key.organization_id,
        "id": key.id,
        "project_id": key.project_id,
        "name": key.name,
        "prefix": key.prefix,
        "digest": key.digest,
        "permissions": ",".join(sorted(key.permissions)),
        "created_at": to_micros(key.created_at),
        "expires_at": to_optional_micros(key.expires_at),
        "revoked_at": to_optional_micros(key.revoked_at),
        "last_used_at": to_optional_micros(key.last_used_at),
        "creator_id": key.creator_id,
    }


def from_key_row(row: Row) -> ApiKey:
    """A key from the columns in the order of `to_key_params`."""
    (
        organization_id, id_, project_id, name, prefix, digest, permissions,
        created_at, expires_at, revoked_at, last_used_at, creator_id,
    ) = row  # fmt: skip
    return ApiKey(
        id=id_,
        organization_id=organization_id,
        project_id=project_id,
        name=name,
        prefix=prefix,
        digest=digest,
        permissions=frozenset(Permission(permission) for permission in permissions.split(",") if permission),
        created_at=from_micros(created_at),
        expires_at=from_optional_micros(expires_at),
        revoked_at=from_optional_micros(revoked_at),
        last_used_at=from_optional_micros(last_used_at),
        creator_id=creator_id,
    )


def storable(texts: Sequence[str] | frozenset[str]) -> list[str]:
    """Those of `texts` that could be stored, each once."""
    return [text for text in dict.fromkeys(texts) if is_storable(text)]
