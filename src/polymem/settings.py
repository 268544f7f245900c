"""How a server is set up: environment variables POLYMEM_*, read once at the start and never changed.

Only the composition root and the command line read this; everything else is given plain values.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "POLYMEM_"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names a Host header may carry on a server that only this machine reaches."""


class InvalidSettings(Exception):
    """The settings cannot work. `str(error)` has one sentence a line, each naming the variable it is about."""


class Listener(NamedTuple):
    """A dialect served at the root of a port of its own; `port` None is the dialect's usual one.

    The dialect "all" stands for every dialect that has a port.
    """

    dialect: str
    port: int | None = None


def to_listener(text: str) -> Listener:
    """`memento` or `memento:7007`. Raises ValueError with a sentence."""
    dialect, colon, port = text.strip().partition(":")
    if not dialect or (colon and not (port.isdecimal() and int(port) <= 65535)):
        raise ValueError(f"{text!r} is not of the form DIALECT or DIALECT:PORT, say memento:7007")
    if dialect == "all" and colon:
        raise ValueError("'all' uses each dialect's own port and takes none itself")
    return Listener(dialect, int(port) if colon else None)


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _to_listeners(value: Any) -> Any:
    return tuple(to_listener(part) if isinstance(part, str) else part for part in _split(value))


def _expand(value: Any) -> Any:
    return Path(value).expanduser() if isinstance(value, (str, Path)) else value


ExpandedPath = Annotated[Path, BeforeValidator(_expand)]


class Settings(BaseSettings):
    """Every setting with its default. `load_settings` makes one; a wrong value is refused there."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", populate_by_name=True, env_ignore_empty=True
    )

    host: str = Field("127.0.0.1", description="Address the server listens on.")
    port: int = Field(8765, ge=0, le=65535, description="Port of the gateway; 0 takes a free one.")
    listen: Annotated[tuple[Listener, ...], NoDecode, BeforeValidator(_to_listeners)] = Field(
        (), description="Dialects to serve at the root of ports of their own too: memento, memento:7007, all."
    )
    dashboard: bool = Field(
        True, description="Serve the dashboard. It lives in one process: with several, in one of them only."
    )
    workers: int = Field(1, ge=1, le=256, description="Processes that serve together on this machine.")
    auth: Literal["local", "required"] = Field(
        "local", description="local: callers without a key are the local owner. required: everybody needs a key."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        (), description="Further names a Host header may carry with auth=local, separated by commas."
    )

    data_dir: ExpandedPath = Field(Path("~/.polymem").expanduser(), description="Where memories are kept.")
    cache_dir: ExpandedPath | None = Field(None, description="Where built models are kept; default DATA_DIR/models.")
    database_url: SecretStr | None = Field(None, description="A database instead of the one in the data directory.")
    database_replica_url: SecretStr | None = Field(
        None, description="A read replica of that database, for recall and lists."
    )
    database_connections: int = Field(
        8, ge=1, le=256, description="Connections that one worker may open to a PostgreSQL server."
    )
    index_memory_mb: int = Field(
        512,
        ge=1,
        description="Memory the search indexes may take, in MiB; with PostgreSQL half of it keeps rows read last.",
    )
    token_memory_mb: int = Field(64, ge=0, description="Memory token vectors read last may take, in MiB; 0: none kept.")

    embedder: str = Field("local", min_length=1, description="local, none, fastembed, or a folder with an ONNX model.")
    embedder_url: str | None = Field(None, description="An OpenAI-compatible server that embeds instead.")
    embedder_model: str | None = Field(None, description="The model to ask that server, or fastembed, for.")
    embedder_api_key: SecretStr | None = Field(None, description="The credential for that server.")
    embedder_precision: Literal["int8", "fp32"] = Field("int8", description="Precision of the local model.")
    embedder_threads: int | None = Field(None, ge=1, le=256, description="How many texts are embedded at once.")

    chat_base_url: str | None = Field(None, description="An OpenAI-compatible server whose chat model writes answers.")
    chat_model: str | None = Field(None, description="The chat model to ask that server for.")
    chat_api_key: SecretStr | None = Field(None, description="The credential for that server.")
    chat_timeout: float = Field(60.0, gt=0, le=3600, description="Seconds that an answer of it may take.")
    chat_context_tokens: int = Field(8192, ge=2048, description="Tokens that a question and its answer may have.")

    retention_days: int = Field(
        30, ge=0, le=36500, description="Days until what was forgotten or expired is removed for good; 0 keeps it."
    )
    max_body_mb: float = Field(10.0, gt=0, le=1024, description="Largest request body, in MiB.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severity logged.")
    log_format: Literal["console", "json"] = Field("console", description="How log lines are written to stderr.")
    access_log: bool = Field(True, description="Log one line for each request.")

    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        ("http://localhost:3000", "http://127.0.0.1:3000"),
        validation_alias=AliasChoices(f"{PREFIX}CORS_ORIGINS", "CORS_ALLOWED_ORIGINS"),
        description="SelfMemory: origins whose pages may call it with a browser's session, separated by commas.",
    )
    rate_limit_memory_create: int = Field(120, ge=0, description="SelfMemory: creates a minute; 0 is no limit.")
    rate_limit_memory_search: int = Field(240, ge=0, description="SelfMemory: searches a minute; 0 is no limit.")
    rate_limit_organization_create: int = Field(
        20, ge=0, description="SelfMemory: new organizations a minute; 0 is no limit."
    )
    rate_limit_project_create: int = Field(20, ge=0, description="SelfMemory: new projects a minute; 0 is no limit.")
    rate_limit_invitation_create: int = Field(
        20, ge=0, description="SelfMemory: new invitations a minute; 0 is no limit."
    )

    rate_limit_invitation_accept: int = Field(
        10, ge=0, description="Invitations that an account accepts in a minute; 0 is no limit."
    )

    public_url: str | None = Field(
        None, description="Where people reach this server, for links in invitations; default http://HOST:PORT."
    )
    open_registration: bool = Field(False, description="Let anybody make an account, not only who is invited.")
    invitation_hours: int = Field(24, ge=1, le=24 * 365, description="How long an invitation can be accepted.")
    session_days: int = Field(30, ge=1, le=3650, description="How long a browser stays logged in.")
    smtp_url: SecretStr | None = Field(None, description="Mail server: smtp://user:password@host:587, or smtps://…")
    smtp_from: str | None = Field(None, description="Sender of mail; default polymem@ and the mail server's name.")
    redis_url: str | None = Field(None, description="A Redis that counts calls for several processes.")
    rate_limit_application: int = Field(
        20, ge=0, description="Applications that register, or are looked up, from one address a minute; 0 is no limit."
    )
    rate_limit_login: int = Field(
        10, ge=0, description="Logins to one account from one address a minute; 0 is no limit."
    )

    namespace: str | None = Field(None, min_length=1, description="Memento: namespace of callers that name none.")
    memento_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices(f"{PREFIX}MEMENTO_API_KEY", "MEMENTO_API_KEY"),
        description="Memento: a key that its callers must present.",
    )
    memento_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        validation_alias=AliasChoices(f"{PREFIX}MEMENTO_PORT", "MEMENTO_PORT"),
        description="Memento: its port where it has one of its own; default 7007.",
    )

    @field_validator("log_level", "log_format", "auth", "embedder_precision", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _names_without_port(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host.lower() for host in hosts)

    @field_validator("embedder_url", "chat_base_url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return url

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return None if url is None else url.rstrip("/")

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return url

    @field_validator("database_replica_url")
    @classmethod
    def _is_a_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql://")
        return url

    @field_validator("smtp_url")
    @classmethod
    def _is_smtp(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("smtp://", "smtps://")):
            raise ValueError("must begin with smtp:// or smtps://")
        return url

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.auth == "local" and not is_loopback(self.host):
            raise ValueError(
                f"POLYMEM_HOST {self.host} can be reached by other machines, and with POLYMEM_AUTH=local nobody needs "
                "a key; set POLYMEM_AUTH=required, or listen on 127.0.0.1"
            )
        if self.database_replica_url is not None and self.database_url is None:
            raise ValueError(
                "POLYMEM_DATABASE_REPLICA_URL is a copy of the database that POLYMEM_DATABASE_URL must name"
            )
        if self.embedder_url is not None and not self.embedder_model:
            raise ValueError("POLYMEM_EMBEDDER_URL needs the model's name in POLYMEM_EMBEDDER_MODEL")
        if self.chat_base_url is not None and not self.chat_model:
            raise ValueError("POLYMEM_CHAT_BASE_URL needs the model's name in POLYMEM_CHAT_MODEL")
        return self

    @property
    def rate_limits(self) -> dict[str, int]:
        """How many calls of an operation a credential has in a minute; one without a limit is left out."""
        prefix = "rate_limit_"
        names = (name for name in type(self).model_fields if name.startswith(prefix))
        return {name.removeprefix(prefix): limit for name in names if (limit := getattr(self, name))}

    @property
    def model_dir(self) -> Path:
        """Where built models are kept."""
        return self.cache_dir or self.data_dir / "models"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def load_settings(**given: Any) -> Settings:
    """The settings from the environment; what is `given` and not None wins. Raises InvalidSettings."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise InvalidSettings("\n".join(_sentence(item) for item in error.errors())) from None


def _sentence(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return message
    name = str(error["loc"][0])
    # Aliases name the variable already.
    variable = name if name.isupper() else PREFIX + name.upper()
    return f"{variable}: {message[:1].lower()}{message[1:]}"
