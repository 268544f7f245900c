"""The JSON of sessions, tasks and snippets, and of the context document."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from polymem.core.context.context import DEFAULT_TOKENS, LEAST_TOKENS, MOST_TOKENS
from polymem.dialects.native.wire.filters import Importance, PageQuery
from polymem.dialects.native.wire.values import A_NAME, SAYS_SOMETHING, Answer, Body, Instant, Term, Whole

_WITHOUT_NUL: dict[str, Any] = {"pattern": r"^[^\u0000]*$"}
_A_NOTE = _WITHOUT_NUL | {"maxLength": 16384}
_AN_INSTANT = ["2026-01-31T12:00:00Z"]

Id = Annotated[str, Field(description="Its id, a UUIDv7.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"])]
Project = Annotated[
    str, Field(description="Key or id of a project that exists.", examples=["travel"], json_schema_extra=A_NAME)
]
Note = Annotated[str, Field(json_schema_extra=_A_NOTE)]
Line = Annotated[str, Field(json_schema_extra=SAYS_SOMETHING | {"maxLength": 16384})]
Lines = Annotated[list[Line], Field(json_schema_extra={"maxItems": 1000})]
Tag = Annotated[str, Field(json_schema_extra=A_NAME)]
Tags = Annotated[list[Tag], Field(json_schema_extra={"maxItems": 100})]
Status = Literal["pending", "in_progress", "completed", "cancelled"]
Priority = Annotated[Whole, Field(json_schema_extra={"minimum": 1, "maximum": 10})]
LineNumber = Annotated[Whole, Field(json_schema_extra={"minimum": 1, "maximum": 2**31 - 1})]
Made = Annotated[Instant, Field(description="When it was made.", examples=_AN_INSTANT)]
Changed = Annotated[Instant, Field(description="When it was last changed.", examples=_AN_INSTANT)]
Version = Annotated[int, Field(description="Counts its changes, from 1.", examples=[1])]


# --- sessions ------------------------------------------------------------------------------------


class SessionFields(Body):
    """What can be said of a period of work."""

    summary: Note = Field("", description="What it was about.", examples=["Login works"])
    accomplished: Lines = Field(default=[], description="What was done.", examples=[["Login endpoint"]])
    next_steps: Lines = Field(default=[], description="What comes next.", examples=[["Refresh tokens"]])
    blockers: Lines = Field(default=[], description="What was in the way.", examples=[["No Redis yet"]])


class NewSession(SessionFields):
    """A period of work to record."""

    project: Project


class SessionChanges(SessionFields):
    """Fields to change; one left out stays as it is."""

    project: Project = Field(default="", description="Key or id of the project to move it to.")


class Session(Answer):
    """A period of work."""

    id: Id
    project: str = Field(description="Key of its project.", examples=["travel"])
    summary: str = Field(description="What it was about.", examples=["Login works"])
    accomplished: list[str] = Field(description="What was done.", examples=[["Login endpoint"]])
    next_steps: list[str] = Field(description="What comes next.", examples=[["Refresh tokens"]])
    blockers: list[str] = Field(description="What was in the way.", examples=[["No Redis yet"]])
    created_at: Made
    updated_at: Changed
    version: Version


# --- tasks ---------------------------------------------------------------------------------------


class TaskFields(Body):
    """What can be said of a task, beside its title."""

    description: Note = Field("", description="More about it.", examples=["For release 2"])
    status: Status = Field("pending", description="How far it is.", examples=["pending"])
    priority: Priority = Field(5, description="From 1 to 10.", examples=[5])
    due_date: Instant | None = Field(None, description="When it is due.", examples=_AN_INSTANT)
    tags: Tags = Field(default=[], description="Labels, at most 100.", examples=[["release"]])


class NewTask(TaskFields):
    """Something to be done."""

    project: Project
    title: str = Field(description="What to do.", examples=["Write the notes"], json_schema_extra=A_NAME)


class TaskChanges(TaskFields):
    """Fields to change; one left out stays as it is."""

    project: Project = Field(default="", description="Key or id of the project to move it to.")
    title: str = Field(default="", description="What to do.", examples=["Write the notes"], json_schema_extra=A_NAME)


class Task(Answer):
    """Something to be done."""

    id: Id
    project: str = Field(description="Key of its project.", examples=["travel"])
    title: str = Field(description="What to do.", examples=["Write the notes"])
    description: str = Field(description="More about it.", examples=["For release 2"])
    status: Status = Field(description="How far it is.", examples=["pending"])
    priority: int = Field(description="From 1 to 10.", examples=[5])
    due_date: Instant | None = Field(description="When it is due.", examples=_AN_INSTANT)
    tags: list[str] = Field(description="Labels.", examples=[["release"]])
    completed_at: Instant | None = Field(description="When it was completed; null until then.", examples=_AN_INSTANT)
    created_at: Made
    updated_at: Changed
    version: Version


# --- snippets ------------------------------------------------------------------------------------


class SnippetFields(Body):
    """What can be said of a piece of code, beside its name and the code."""

    language: str = Field(
        "", description="The language.", examples=["python"], json_schema_extra=_WITHOUT_NUL | {"maxLength": 500}
    )
    file_path: str = Field(
        "", description="Its file.", examples=["src/a.py"], json_schema_extra=_WITHOUT_NUL | {"maxLength": 1024}
    )
    line_start: LineNumber | None = Field(None, description="Its first line in the file.", examples=[10])
    line_end: LineNumber | None = Field(None, description="Its last line, not before the first.", examples=[20])
    description: Note = Field("", description="What it is for.", examples=["Retries"])


class NewSnippet(SnippetFields):
    """A piece of code to keep."""

    project: Project
    name: str = Field(description="What it is called.", examples=["Retry"], json_schema_extra=A_NAME)
    code: str = Field(
        description="The code, at most 1 MiB; kept byte for byte.",
        examples=["for attempt in range(5):\n    ..."],
        json_schema_extra=SAYS_SOMETHING,
    )


class SnippetChanges(SnippetFields):
    """Fields to change; one left out stays as it is."""

    project: Project = Field(default="", description="Key or id of the project to move it to.")
    name: str = Field(default="", description="What it is called.", examples=["Retry"], json_schema_extra=A_NAME)
    code: str = Field(
        default="", description="The code, at most 1 MiB.", examples=["pass"], json_schema_extra=SAYS_SOMETHING
    )


class Snippet(Answer):
    """A piece of code."""

    id: Id
    project: str = Field(description="Key of its project.", examples=["travel"])
    name: str = Field(description="What it is called.", examples=["Retry"])
    code: str = Field(description="The code.", examples=["for attempt in range(5):\n    ..."])
    language: str = Field(description="The language.", examples=["python"])
    file_path: str = Field(description="Its file.", examples=["src/a.py"])
    line_start: int | None = Field(description="Its first line in the file.", examples=[10])
    line_end: int | None = Field(description="Its last line.", examples=[20])
    description: str = Field(description="What it is for.", examples=["Retries"])
    created_at: Made
    updated_at: Changed
    version: Version


# --- lists ---------------------------------------------------------------------------------------


class SessionQuery(PageQuery):
    """Which sessions, and which page of them."""

    project: Term | None = Field(
        None, description="In this project (key or id); one that does not exist has none.", examples=["travel"]
    )
    changed_after: Instant | None = Field(None, description="Made or changed after that.", examples=_AN_INSTANT)


class TaskQuery(SessionQuery):
    """Which tasks, and which page of them."""

    statuses: list[Status] | None = Field(
        None, alias="status", description="Of this status; may be repeated.", examples=[["pending"]]
    )
    priority_min: Importance | None = Field(None, description="At least this urgent.", examples=[5])


class SnippetQuery(SessionQuery):
    """Which snippets, and which page of them."""

    language: Term | None = Field(None, description="In this language.", examples=["python"])


class SessionPage(Answer):
    """A page of sessions, newest first."""

    items: list[Session]
    total: int = Field(description="How many match, whatever the page.", examples=[1])
    limit: int = Field(description="Longest page.", examples=[50])
    offset: int = Field(description="How many come before.", examples=[0])


class TaskPage(Answer):
    """A page of tasks, newest first."""

    items: list[Task]
    total: int = Field(description="How many match, whatever the page.", examples=[1])
    limit: int = Field(description="Longest page.", examples=[50])
    offset: int = Field(description="How many come before.", examples=[0])


class SnippetPage(Answer):
    """A page of snippets, newest first."""

    items: list[Snippet]
    total: int = Field(description="How many match, whatever the page.", examples=[1])
    limit: int = Field(description="Longest page.", examples=[50])
    offset: int = Field(description="How many come before.", examples=[0])


# --- context -------------------------------------------------------------------------------------


class ContextQuery(BaseModel):
    """Which context document."""

    model_config = ConfigDict(extra="forbid")

    max_tokens: Annotated[Whole, Field(json_schema_extra={"minimum": LEAST_TOKENS, "maximum": MOST_TOKENS})] = Field(
        DEFAULT_TOKENS, description="How long it may be, as the local tokenizer counts."
    )
    query: Annotated[str, Field(json_schema_extra=SAYS_SOMETHING | {"maxLength": 4000})] | None = Field(
        None, description="What it should be about first of all.", examples=["database"]
    )
    since: Instant | None = Field(
        None, description="Only what changed after this: the as_of of the last one.", examples=_AN_INSTANT
    )
    snippets: bool = Field(False, description="With the code snippets.")


class Context(Answer):
    """A context document."""

    markdown: str = Field(description="The document.", examples=["# Travel\n"])
    tokens: int = Field(description="Its length, as the local tokenizer counts.", examples=[512])
    as_of: Instant = Field(description="The newest change it knows of.", examples=_AN_INSTANT)
    left_out: dict[str, int] = Field(description="How much did not fit, by section.", examples=[{"memories": 2}])
