"""Mail leaves by a real SMTP server, or its link is told to the operator."""

import asyncio
import email
import email.policy
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest

from polymem.app.mail import MailServer, SmtpMailer, to_mail_server
from polymem.core.people.ports import Mail

LETTER = Mail(
    to="bo@example.org",
    subject="Invitation to Ana\nBcc: everybody@example.org",
    text="Acceptez ici : https://memory.example/accept-invitation/token\n",
    link="https://memory.example/accept-invitation/token",
)


@dataclass
class PostOffice:
    """A small SMTP server: what it was given, and whom it refuses."""

    port: int = 0
    refuses: bool = False
    letters: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                self.letters.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"250 taken\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"550 no\r\n" if word == b"RCPT" and self.refuses else b"250 fine\r\n")
        writer.close()


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    office = PostOffice()
    async with await asyncio.start_server(office.serve, "127.0.0.1", 0) as server:
        office.port = server.sockets[0].getsockname()[1]
        yield office


def mailer(port: int) -> SmtpMailer:
    return SmtpMailer(MailServer("127.0.0.1", port, implicit_tls=False), "polymem@example.org")


async def test_a_mail_arrives_whole_and_begins_no_header_of_its_own(office: PostOffice) -> None:
    assert await mailer(office.port).send(LETTER)
    message = email.message_from_string(office.letters[0], policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert (message["To"], message["From"]) == ("bo@example.org", "polymem@example.org")
    assert message["Subject"] == "Invitation to Ana Bcc: everybody@example.org"
    assert message["Bcc"] is None
    assert LETTER.link is not None
    assert LETTER.link in message.get_content()


async def test_a_link_that_nobody_takes_is_told_to_the_operator(
    office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    office.refuses = True
    with caplog.at_level(logging.WARNING):
        assert not await mailer(office.port).send(LETTER)
        assert not await mailer(1).send(LETTER)
    assert LETTER.link is not None
    assert caplog.text.count(LETTER.link) == 2


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", MailServer("mail.example", 587, implicit_tls=False)),
        ("smtps://mail.example", MailServer("mail.example", 465, implicit_tls=True)),
        ("smtp://a%40b:p%3Aw@mail.example:25", MailServer("mail.example", 25, False, "a@b", "p:w")),
    ],
)
def test_a_mail_server_is_an_address(url: str, server: MailServer) -> None:
    assert to_mail_server(url) == server
    assert "p:w" not in repr(server)


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://host:port"])
def test_what_is_no_mail_server_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match="smtp://user:password@host:port"):
        to_mail_server(url)
