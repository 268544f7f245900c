"""The shapes of AI Memory System's REST API: what may be sent, and what is answered.

Fields nobody may set and fields nobody knows are passed over. What the published reference does not name is marked as
an addition.
"""

from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from polymem.dialects.aimemory import fields
from polymem.dialects.aimemory.errors import Invalid

_PROJECT = "The project's UUID or slug."
_ADDED = "Addition: "


class Body(BaseModel):
    """What a caller sends. The models describe; `read` reads, so that everything wrong is told at once."""

    @classmethod
    def read(cls, data: Any, *, partial: bool = False) -> dict[str, Any]:
        """The fields that were sent, as the core's values. `partial` lets required ones be missing.

        Raises Invalid with a sentence for every field that is wrong.
        """
        if not isinstance(data, dict):
            got = fields.type_name(data)
            raise Invalid({"non_field_errors": [f"Invalid data. Expected a dictionary, but got {got}."]})
        read: dict[str, Any] = {}
        wrong: dict[str, Any] = {}
        for name, adapter in _adapters(cls).items():
            if name not in data:
                if cls.model_fields[name].is_required() and not partial:
                    wrong[name] = [fields.REQUIRED]
                continue
            try:
                read[name] = adapter.validate_python(data[name])
            except ValidationError as error:
                wrong[name] = _told(error)
        if wrong:
            raise Invalid(wrong)
        return read


@cache
def _adapters(model: type[Body]) -> dict[str, TypeAdapter[Any]]:
    return {
        name: TypeAdapter(Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation)  # type: ignore[arg-type]
        for name, field in model.model_fields.items()
    }


def _told(error: ValidationError) -> list[str] | dict[str, list[str]]:
    # A list tells by position which of its items is wrong.
    errors = error.errors(include_url=False)
    if not errors[0]["loc"]:
        return [one["msg"] for one in errors]
    return {str(one["loc"][0]): [one["msg"]] for one in errors}


# --- requests ------------------------------------------------------------------------------------


class Login(Body):
    """Who wants a token."""

    username: fields.RequiredText = Field(description="User name or e-mail address.", examples=["your_username"])
    password: fields.RequiredText = Field(description="Password.", examples=["your_password"])


class NewProject(Body):
    """A project to make."""

    name: fields.ProjectName = Field(description="Project name.", examples=["My New Project"])
    slug: fields.Slug = Field("", description="URL-friendly identifier; made from the name if left out.")
    description: fields.OptionalText = Field("", description="Project description.")
    stack: fields.OptionalText = Field("", description="Technology stack.", examples=["Python, Django, React"])
    is_active: fields.Flag = Field(True, description=f"{_ADDED}whether it is in use.")


class NewMemory(Body):
    """A memory to keep."""

    project: fields.Reference = Field(description=_PROJECT, examples=["my-project"])
    memory_type: fields.MemoryType = Field(description="Type of memory.", examples=["decision"])
    content: fields.RequiredText = Field(
        description="Memory content, kept byte for byte.", examples=["We chose PostgreSQL for better JSON support"]
    )
    context: fields.OptionalText = Field("", description="Additional context.", examples=["Database selection meeting"])
    importance: fields.OneToTen = Field(5, description="Importance level 1-10.", examples=[8])
    tags: fields.Tags = Field(default=[], description="Tags.", examples=[["database", "architecture"]])


class NewSession(Body):
    """A work session to record."""

    project: fields.Reference = Field(description=_PROJECT, examples=["my-project"])
    summary: fields.OptionalText = Field(
        "", description="Session summary.", examples=["Implemented user authentication"]
    )
    accomplished: fields.Lines = Field(default=[], description="List of accomplishments.")
    next_steps: fields.Lines = Field(default=[], description="Planned next steps.")
    blockers: fields.Lines = Field(default=[], description="Blockers encountered.")


class NewTask(Body):
    """A task to do."""

    project: fields.Reference = Field(description=_PROJECT, examples=["my-project"])
    title: fields.Name = Field(description="Task title.", examples=["Write the release notes"])
    description: fields.OptionalText = Field("", description="Task description.")
    status: fields.Status = Field("pending", description="Task status.")
    priority: fields.OneToTen = Field(5, description="Priority 1-10.")
    due_date: fields.Instant = Field(None, description="Due date (ISO 8601).", examples=["2026-04-01T12:00:00Z"])
    tags: fields.Tags = Field(default=[], description="Tags.")


class NewSnippet(Body):
    """A piece of code to keep."""

    project: fields.Reference = Field(description=_PROJECT, examples=["my-project"])
    name: fields.Name = Field(description="Snippet name.", examples=["Retry with backoff"])
    code: fields.RequiredText = Field(
        description="The code content, kept byte for byte.", examples=["for attempt in range(5):\n    ..."]
    )
    language: fields.ShortText = Field("", description="Programming language.", examples=["python"])
    file_path: fields.OptionalText = Field("", description="Source file path.", examples=["src/retry.py"])
    description: fields.OptionalText = Field("", description="Description of the snippet.")
    line_start: fields.Line = Field(None, description=f"{_ADDED}first line in the file.")
    line_end: fields.Line = Field(None, description=f"{_ADDED}last line in the file.")


class Search(Body):
    """Addition: a search whose parameters come as JSON."""

    q: fields.RequiredText = Field(description="Search query.", examples=["database choice"])
    project: fields.Reference | None = Field(None, description=_PROJECT)
    limit: Any = Field(10, description="Max results.")


# --- answers -------------------------------------------------------------------------------------


class Answer(BaseModel):
    """What all answers share: these models document; `mapping` builds."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Tenant(Answer):
    """Whose data it is."""

    id: str
    name: str
    slug: str
    plan: str


class LoggedIn(Answer):
    """A token, and whose it is."""

    token: str = Field(description="Send it as `Authorization: Token …`. It goes on working after later logins.")
    user_id: int
    username: str
    email: str
    tenant: Tenant | None


class Project(Answer):
    """A container of memories, sessions, tasks and snippets."""

    id: str
    name: str
    slug: str
    description: str
    stack: str
    is_active: bool
    created_at: datetime
    updated_at: datetime


class Memory(Answer):
    """A memory."""

    id: str
    project: str | None
    memory_type: str
    content: str
    context: str
    importance: int
    tags: list[str]
    access_count: int = Field(description="How often it was read by its id or found by a search.")
    last_accessed: datetime | None
    created_at: datetime
    updated_at: datetime = Field(description=f"{_ADDED}when it was last changed.")


class Found(Memory):
    """A memory a search found."""

    score: float = Field(description=f"{_ADDED}how well it fits, 0-1; the best come first.")
    similarity: float | None = Field(description=f"{_ADDED}cosine of the meanings; null where there is no vector.")


class Session(Answer):
    """A period of work."""

    id: str
    project: str
    summary: str
    accomplished: list[str]
    next_steps: list[str]
    blockers: list[str]
    created_at: datetime
    updated_at: datetime


class Task(Answer):
    """Something to be done."""

    id: str
    project: str
    title: str
    description: str
    status: str
    priority: int
    due_date: datetime | None
    tags: list[str]
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Snippet(Answer):
    """A piece of code."""

    id: str
    project: str
    name: str
    code: str
    language: str
    file_path: str
    line_start: int | None
    line_end: int | None
    description: str
    created_at: datetime
    updated_at: datetime


class ContextAnswer(Answer):
    """Addition: the context document as JSON."""

    context: str = Field(description="The Markdown document.")
    markdown: str = Field(description="The same.")
    project: Project
    tokens: int = Field(description="Its length, by the local tokenizer.")
    as_of: datetime = Field(description="The newest change it knows of: the `since` of the next call.")
    left_out: dict[str, int] = Field(description="How much did not fit, by section.")


class ErrorAnswer(Answer):
    """What went wrong. Validation answers with the names of the fields instead, each with a list of sentences."""

    detail: str
