"""SMTP, POP3 and IMAP: every login is accepted, every mail taken and recorded, every mailbox empty."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .channel import BLOB_LIMIT
from .messages import Login, Smtp
from .stream import Stream, TooLong
from .world import World

StartTls = Callable[[Stream], Awaitable[bool]]  # go on inside TLS; false if the sample did not want to

RECIPIENTS_LIMIT = 64
_COMMANDS_LIMIT = 10_000


@dataclass
class _Envelope:
    hello: str = ""
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    count: int = 0

    def reset(self) -> None:
        self.sender, self.recipients, self.count = "", [], 0


def decode64(value: str) -> str:
    """Text of a base64 token, "" if it is none."""
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4)).decode("utf-8", "replace")
    except ValueError:
        return ""


def plain_login(token: str) -> tuple[str, str]:
    """User and password of a SASL PLAIN token (RFC 4616)."""
    parts = decode64(token).split("\0")
    return (parts[1], parts[2]) if len(parts) >= 3 else ("", "")


def mailbox(argument: str) -> str:
    """The address in `FROM:<a@b> SIZE=5`."""
    match = re.search(r"<([^>]*)>", argument) or re.search(r":\s*(\S+)", argument)
    return match[1][:320] if match else ""


def subject(head: bytes) -> str:
    """The subject line of a mail, unfolded, as sent."""
    match = re.search(rb"(?im)^subject:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", head.split(b"\r\n\r\n", 1)[0])
    return re.sub(r"\s*[\r\n]+\s+", " ", match[1].decode("utf-8", "replace")) if match else ""


async def smtp(stream: Stream, world: World, start_tls: StartTls) -> None:
    """A mail server (RFC 5321) with STARTTLS and AUTH."""
    host = world.host(stream)
    await stream.send(f"220 {host} ESMTP Postfix\r\n")
    envelope = _Envelope()
    for _ in range(_COMMANDS_LIMIT):
        line = await stream.line()
        if line is None:
            return
        command, _, argument = line.partition(" ")
        command = command.upper()
        if command == "STARTTLS":
            await stream.send("220 2.0.0 Ready to start TLS\r\n")
            if not await start_tls(stream):
                return
            stream.protocol = "smtp"
            envelope = _Envelope()
        elif command == "AUTH":
            await _smtp_login(argument, stream, world)
        elif command == "DATA":
            await stream.send("354 End data with <CR><LF>.<CR><LF>\r\n")
            await _take_mail(envelope, stream, world)
        elif command == "QUIT":
            await stream.send("221 2.0.0 Bye\r\n")
            return
        else:
            await stream.send(_smtp_reply(command, argument, envelope, host, encrypted=stream.encrypted))


def _smtp_reply(command: str, argument: str, envelope: _Envelope, host: str, *, encrypted: bool) -> str:
    if command == "EHLO":
        envelope.hello = argument[:256]
        offers = ["PIPELINING", "SIZE 36700160", "AUTH PLAIN LOGIN", "ENHANCEDSTATUSCODES", "8BITMIME"]
        lines = [host, *offers[:2], *([] if encrypted else ["STARTTLS"]), *offers[2:]]
        return "".join(f"250-{line}\r\n" for line in lines) + "250 SMTPUTF8\r\n"
    if command == "HELO":
        envelope.hello = argument[:256]
        return f"250 {host}\r\n"
    if command == "MAIL":
        envelope.reset()
        envelope.sender = mailbox(argument)
        return "250 2.1.0 Ok\r\n"
    if command == "RCPT":
        envelope.count += 1
        if len(envelope.recipients) < RECIPIENTS_LIMIT:
            envelope.recipients.append(mailbox(argument))
        return "250 2.1.5 Ok\r\n"
    if command == "RSET":
        envelope.reset()
    if command == "VRFY":
        return "252 2.0.0 " + argument[:256] + "\r\n"
    if command in {"RSET", "NOOP"}:
        return "250 2.0.0 Ok\r\n"
    return "502 5.5.2 Error: command not recognized\r\n"


async def _smtp_login(argument: str, stream: Stream, world: World) -> None:
    mechanism, _, initial = argument.partition(" ")
    if mechanism.upper() == "PLAIN":
        if not initial:
            await stream.send("334 \r\n")
            initial = await stream.line() or ""
        user, password = plain_login(initial)
    elif mechanism.upper() == "LOGIN":
        if not initial:
            await stream.send("334 VXNlcm5hbWU6\r\n")
            initial = await stream.line() or ""
        await stream.send("334 UGFzc3dvcmQ6\r\n")
        user, password = decode64(initial), decode64(await stream.line() or "")
    else:
        await stream.send("504 5.5.4 Unrecognized authentication type\r\n")
        return
    world.tell(Login, stream, protocol="smtp", user=user, password=password)
    await stream.send("235 2.7.0 Authentication successful\r\n")


async def _take_mail(envelope: _Envelope, stream: Stream, world: World) -> None:
    kept, size = bytearray(), 0
    while True:
        try:
            line = await stream.until(b"\n", 64 * 1024)
        except TooLong:
            line = await stream.some()
        if line in {b".\r\n", b".\n", b""}:
            break
        line = line[1:] if line.startswith(b"..") else line
        size += len(line)
        kept += line[: max(0, BLOB_LIMIT - len(kept))]
    blob = world.channel.send_blob("mail", envelope.sender or "mail", bytes(kept)) if size <= BLOB_LIMIT else 0
    world.tell(
        Smtp, stream, sender=envelope.sender, recipients=tuple(envelope.recipients), recipient_count=envelope.count,
        subject=subject(bytes(kept[: 64 * 1024])), hello=envelope.hello, size=size, head=bytes(kept[:4096]), blob=blob,
        tls=stream.encrypted,
    )  # fmt: skip
    envelope.reset()
    await stream.send("250 2.0.0 Ok: queued as 4TxG2p1WZkz9sQk\r\n")


async def pop3(stream: Stream, world: World, start_tls: StartTls) -> None:
    """An empty POP3 mailbox (RFC 1939)."""
    await stream.send("+OK POP3 ready\r\n")
    user = ""
    replies = {
        "STAT": "+OK 0 0", "LIST": "+OK 0 messages\r\n.", "UIDL": "+OK\r\n.", "NOOP": "+OK", "RSET": "+OK",
        "CAPA": "+OK\r\nUSER\r\nSTLS\r\nUIDL\r\nSASL PLAIN\r\n.", "USER": "+OK", "PASS": "+OK Logged in.",
        "RETR": "-ERR no such message", "TOP": "-ERR no such message", "DELE": "-ERR no such message",
    }  # fmt: skip
    for _ in range(_COMMANDS_LIMIT):
        line = await stream.line()
        if line is None:
            return
        command, _, argument = line.partition(" ")
        command = command.upper()
        if command == "USER":
            user = argument
        elif command == "PASS":
            world.tell(Login, stream, protocol="pop3", user=user, password=argument)
        elif command == "STLS":
            await stream.send("+OK Begin TLS negotiation\r\n")
            if not await start_tls(stream):
                return
            stream.protocol = "pop3"
            continue
        elif command == "QUIT":
            await stream.send("+OK Bye\r\n")
            return
        await stream.send(replies.get(command, "-ERR unknown command") + "\r\n")


async def imap(stream: Stream, world: World, start_tls: StartTls) -> None:
    """An empty IMAP mailbox (RFC 3501)."""
    await stream.send("* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] IMAP ready\r\n")
    for _ in range(_COMMANDS_LIMIT):
        line = await stream.line()
        if line is None:
            return
        tag, _, rest = line.partition(" ")
        command, _, argument = rest.partition(" ")
        command = command.upper()
        if command == "LOGIN":
            words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', argument)
            user, password = ([quoted or bare for quoted, bare in words] + ["", ""])[:2]
            world.tell(Login, stream, protocol="imap", user=user, password=password)
        elif command == "AUTHENTICATE":
            await stream.send("+ \r\n")
            user, password = plain_login(await stream.line() or "")
            world.tell(Login, stream, protocol="imap", user=user, password=password)
        elif command == "STARTTLS":
            await stream.send(f"{tag} OK Begin TLS negotiation\r\n")
            if not await start_tls(stream):
                return
            stream.protocol = "imap"
            continue
        await stream.send(_imap_untagged(command) + f"{tag[:64]} OK {command[:32]} completed\r\n")
        if command == "LOGOUT":
            return


def _imap_untagged(command: str) -> str:
    return {
        "CAPABILITY": "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN IDLE\r\n",
        "SELECT": "* 0 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen \\Deleted)\r\n* OK [UIDVALIDITY 1710497404]\r\n",
        "EXAMINE": "* 0 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen \\Deleted)\r\n",
        "LIST": '* LIST (\\HasNoChildren) "/" "INBOX"\r\n',
        "SEARCH": "* SEARCH\r\n",
        "LOGOUT": "* BYE\r\n",
    }.get(command, "")
