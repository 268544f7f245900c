"""Mail by SMTP."""

import asyncio
import logging
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from polymem.core.people.absent import NoMail
from polymem.core.people.ports import Mail

_logger = logging.getLogger(__name__)

_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes: `smtps` speaks TLS from the start, `smtp` as soon as the server offers it."""

    host: str
    port: int
    implicit_tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def to_mail_server(url: str) -> MailServer:
    """`smtp://user:password@host:port` or `smtps://…`. Raises ValueError with a sentence."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not of the form smtp://user:password@host:port") from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("is not of the form smtp://user:password@host:port")
    implicit = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname,
        port=port or (465 if implicit else 587),
        implicit_tls=implicit,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


class SmtpMailer:
    """`core.ports_people.Mailer`. What cannot be sent is logged with its link, as without a mail server."""

    def __init__(self, server: MailServer, sender: str) -> None:
        self._server = server
        self._sender = sender
        self._instead = NoMail()

    async def send(self, mail: Mail) -> bool:
        """Whether the mail server took it."""
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = mail.to
        # Names of people and places stand in the subject; a line end in one must not begin a header.
        message["Subject"] = " ".join(mail.subject.split())
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain="polymem")
        message.set_content(mail.text)
        try:
            await asyncio.to_thread(self._send, message)
        except (OSError, smtplib.SMTPException) as error:
            _logger.warning("the mail server did not take a mail: %s", error)
            return await self._instead.send(mail)
        return True

    def _send(self, message: EmailMessage) -> None:
        server = self._server
        context = ssl.create_default_context()
        if server.implicit_tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_SECONDS, context=context)
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=_SECONDS)
        with connection:
            if not server.implicit_tls:
                connection.ehlo()
                if connection.has_extn("starttls"):
                    connection.starttls(context=context)
            if server.user is not None:
                connection.login(server.user, server.password or "")
            connection.send_message(message)
