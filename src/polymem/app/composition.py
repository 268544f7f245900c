"""What the settings say, as a core. Nothing here needs a web server, so that a command line starts quickly."""

import asyncio
from datetime import UTC, datetime, timedelta

from uuid_utils import uuid7

from polymem.app.limits import MovingWindowLimiter
from polymem.app.mail import SmtpMailer, to_mail_server
from polymem.app.passwords import Argon2Hasher
from polymem.core import Core
from polymem.core.digest.ports import Chat
from polymem.core.errors import InvalidInput
from polymem.core.people import Scope
from polymem.core.people.absent import NoMail
from polymem.core.people.accounts import AccountRules
from polymem.core.people.ports import Mailer
from polymem.core.people.tenancy import ensure_local_organization
from polymem.core.ports import Clock
from polymem.inference import EmbedderSpec, open_embedder
from polymem.inference.chat import ChatSpec, OpenAiChat
from polymem.inference.extractive import SentenceExtractor
from polymem.settings import Settings
from polymem.storage import open_store


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        return datetime.now(UTC)


def new_id() -> str:
    """A UUIDv7: unique everywhere, and in the order of time."""
    return str(uuid7())


async def open_core(settings: Settings, clock: Clock | None = None) -> Core:
    """The core these settings describe, with its store open and its embedder ready to load; on the machine's clock, if
    not on another.

    Raises PolymemError with a sentence when the store or the embedder cannot work.
    """
    mailer = to_mailer(settings)
    location = settings.data_dir if settings.database_url is None else settings.database_url.get_secret_value()
    clock = clock or SystemClock()
    store = await open_store(
        location,
        index_memory_bytes=settings.index_memory_mb * 1024 * 1024,
        token_memory_bytes=settings.token_memory_mb * 1024 * 1024,
        connections=settings.database_connections,
        replica=None if settings.database_replica_url is None else settings.database_replica_url.get_secret_value(),
    )
    try:
        organization = await ensure_local_organization(store, clock, new_id)
        # A folder's model is run once, which takes its time.
        embedder = await asyncio.to_thread(open_embedder, to_spec(settings), settings.model_dir)
    except BaseException:
        await store.close()
        raise
    local = Scope(organization_id=organization.id, actor="local") if settings.auth == "local" else None
    return Core(
        store,
        embedder,
        clock,
        new_id,
        local,
        hasher=Argon2Hasher(),
        mailer=mailer,
        limiter=MovingWindowLimiter(settings.redis_url),
        account_rules=to_account_rules(settings),
        chat=to_chat(settings),
        extractor=SentenceExtractor(embedder),
    )


def to_mailer(settings: Settings) -> Mailer:
    """What sends mail: the mail server of the settings or, without one, the log. Raises InvalidInput."""
    if settings.smtp_url is None:
        return NoMail()
    try:
        server = to_mail_server(settings.smtp_url.get_secret_value())
    except ValueError as error:
        raise InvalidInput(f"POLYMEM_SMTP_URL {error}") from None
    return SmtpMailer(server, settings.smtp_from or f"polymem@{server.host}")


def to_account_rules(settings: Settings) -> AccountRules:
    """What the settings say about accounts."""
    host = f"[{settings.host}]" if ":" in settings.host.strip("[]") else settings.host
    return AccountRules(
        open_registration=settings.open_registration,
        invitation_lifetime=timedelta(hours=settings.invitation_hours),
        session_lifetime=timedelta(days=settings.session_days),
        public_url=settings.public_url or f"http://{host}:{settings.port}",
    )


def to_chat(settings: Settings) -> Chat | None:
    """The chat model the settings name, None without one."""
    if settings.chat_base_url is None or settings.chat_model is None:
        return None
    return OpenAiChat(
        ChatSpec(
            base_url=settings.chat_base_url,
            model=settings.chat_model,
            api_key=None if settings.chat_api_key is None else settings.chat_api_key.get_secret_value(),
            timeout=settings.chat_timeout,
            context_tokens=settings.chat_context_tokens,
        )
    )


def to_spec(settings: Settings) -> EmbedderSpec:
    """Which embedder the settings ask for."""
    return EmbedderSpec(
        kind=settings.embedder_url or settings.embedder,
        model=settings.embedder_model,
        api_key=None if settings.embedder_api_key is None else settings.embedder_api_key.get_secret_value(),
        precision=settings.embedder_precision,
        threads=settings.embedder_threads,
    )
