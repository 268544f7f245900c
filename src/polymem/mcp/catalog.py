"""What a server tells a client about itself, as plain values: tools, resources, prompts. Nothing is loaded for it.

Each has a `wire` form: the JSON of the protocol, the same in all its versions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool: its arguments and its result as JSON Schema. `output` None is a tool whose result is text.

    `writes` says that it needs the right to write. One that `destroys` takes something away or replaces it, one that
    is `idempotent` has, called again with the same arguments, no further effect.
    """

    name: str
    title: str
    description: str
    input: Json
    output: Json | None = None
    writes: bool = False
    destroys: bool = False
    idempotent: bool = False

    @property
    def wire(self) -> Json:
        """As `tools/list` tells it."""
        told: Json = {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.input,
        }
        if self.output is not None:
            told["outputSchema"] = self.output
        told["annotations"] = {
            "title": self.title,
            "readOnlyHint": not self.writes,
            "destructiveHint": self.destroys,
            "idempotentHint": self.idempotent or not self.writes,
            "openWorldHint": False,
        }
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A document with an address, or, where the address holds a `{name}`, a template of addresses."""

    uri: str
    name: str
    title: str
    description: str
    mime_type: str = "text/markdown"

    @property
    def is_template(self) -> bool:
        """Whether a part of the address is left open."""
        return "{" in self.uri

    @property
    def wire(self) -> Json:
        """As `resources/list` or `resources/templates/list` tells it."""
        address = "uriTemplate" if self.is_template else "uri"
        return {
            "name": self.name,
            "title": self.title,
            address: self.uri,
            "description": self.description,
            "mimeType": self.mime_type,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A text a person can ask a client to send. `arguments` are names with descriptions; none is required."""

    name: str
    title: str
    description: str
    arguments: Mapping[str, str]

    @property
    def wire(self) -> Json:
        """As `prompts/list` tells it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "arguments": [
                {"name": name, "description": description, "required": False}
                for name, description in self.arguments.items()
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolset:
    """All of a server: under which name it comes, what it tells the model, and what it offers.

    `calls` is the module that carries out its tools; it is imported with the first call. `failure` is how its tools
    say that something went wrong: "advice" adds what the model should do, "plain" does not, "json" is `{"error": …}`.
    """

    name: str
    server: str
    title: str
    instructions: str
    calls: str
    tools: tuple[Tool, ...]
    resources: tuple[Resource, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    failure: Literal["advice", "plain", "json"] = "advice"
