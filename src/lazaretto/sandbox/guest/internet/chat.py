"""Line protocols of bots and miners: IRC, telnet, mining pools. SOCKS proxies, DNS over TCP, and anything else."""

from __future__ import annotations

import json
import re
import socket

from . import dns
from .messages import Data, Dns, Line, Login
from .sniff import guess
from .stream import Stream
from .web import Next, retarget
from .world import World

_LINES_TOLD = 64
_LINES_LIMIT = 10_000
SSH_BANNER = "SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.6\r\n"


class _Teller:
    """Tells the host about the first lines of a conversation."""

    def __init__(self, protocol: str, stream: Stream, world: World) -> None:
        self._protocol, self._stream, self._world = protocol, stream, world
        self._left = _LINES_TOLD

    def __call__(self, line: str) -> None:
        if self._left:
            self._left -= 1
            self._world.tell(Line, self._stream, protocol=self._protocol, text=line)


async def irc(stream: Stream, world: World) -> None:
    """An IRC server (RFC 2812) with empty channels."""
    host, tell, nick, password, user = world.host(stream), _Teller("irc", stream, world), "", "", ""
    for _ in range(_LINES_LIMIT):
        line = await stream.line()
        if line is None:
            return
        tell(line)
        command, _, argument = line.partition(" ")
        command = command.upper()
        first = (argument.split() or [""])[0][:64]
        if command == "PASS":
            password = argument
        elif command == "NICK":
            greeted, nick = bool(nick and user), first
            if user and not greeted:
                await _welcome(host, nick, stream)
        elif command == "USER" and not user:
            user = first or "user"
            world.tell(Login, stream, protocol="irc", user=user, password=password)
            if nick:
                await _welcome(host, nick, stream)
        elif command == "QUIT":
            await stream.send(f"ERROR :Closing Link: {nick} (Quit)\r\n")
            return
        else:
            await stream.send(_irc_reply(command, argument, first, nick, host))


async def _welcome(host: str, nick: str, stream: Stream) -> None:
    lines = (
        f"001 {nick} :Welcome to the Internet Relay Network {nick}",
        f"002 {nick} :Your host is {host}, running version u2.10.12.19",
        f"003 {nick} :This server was created Fri Mar 15 2024",
        f"004 {nick} {host} u2.10.12.19 dioswkgx biklmnopstvr",
        f"422 {nick} :MOTD File is missing",
    )
    await stream.send("".join(f":{host} {line}\r\n" for line in lines))


def _irc_reply(command: str, argument: str, first: str, nick: str, host: str) -> str:
    if command == "PING":
        return f":{host} PONG {host} {argument}\r\n"
    if command == "CAP":
        return f":{host} CAP * LS :\r\n" if first.upper() == "LS" else ""
    if command == "JOIN":
        names = [name for name in first.split(",")[:16] if name]
        return "".join(
            f":{nick}!user@{host} JOIN {name}\r\n:{host} 331 {nick} {name} :No topic is set\r\n"
            f":{host} 353 {nick} = {name} :@{nick}\r\n:{host} 366 {nick} {name} :End of /NAMES list.\r\n"
            for name in names
        )
    if command == "MODE":
        return f":{host} 324 {nick} {first} +nt\r\n" if first.startswith("#") else f":{nick} MODE {nick} :+i\r\n"
    if command == "WHO":
        return f":{host} 315 {nick} {first} :End of /WHO list.\r\n"
    return ""


async def telnet(stream: Stream, world: World) -> None:
    """A device that lets everybody in and has a shell with no commands, as bots that guess passwords hope for."""
    tell = _Teller("telnet", stream, world)
    await stream.send(b"\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03\r\nlogin: ")
    user = telnet_text(await stream.line(1024) or "")
    await stream.send("Password: ")
    password = telnet_text(await stream.line(1024) or "")
    if stream.at_end:
        return
    world.tell(Login, stream, protocol="telnet", user=user, password=password)
    await stream.send("\r\n\r\nBusyBox v1.22.1 (2019-03-11 09:14:02 CST) built-in shell (ash)\r\n\r\n# ")
    for _ in range(_LINES_LIMIT):
        line = await stream.line()
        if line is None:
            return
        command = telnet_text(line)
        tell(command)
        if command.strip() in {"exit", "logout"}:
            return
        await stream.send(_shell_reply(command) + "# ")


def telnet_text(line: str) -> str:
    """A line without telnet's negotiation, which lenient decoding turned into replacement characters."""
    return re.sub('\ufffd[\ufffd\x00-\x1f"-]{0,2}', "", line).replace("\0", "")


def _shell_reply(command: str) -> str:
    applet = re.findall(r"/bin/busybox (\w+)", command)
    if applet:
        return "".join(f"{name[:32]}: applet not found\r\n" for name in applet[:8])
    echoed = re.match(r"""echo (?:-[ne]+ )*["']?([^"';|&>]*)["']?\s*$""", command)
    return f"{echoed[1]}\r\n" if echoed else ""


async def stratum(stream: Stream, world: World) -> None:
    """A mining pool: JSON-RPC, one object a line."""
    tell = _Teller("stratum", stream, world)
    for _ in range(_LINES_LIMIT):
        line = await stream.line(64 * 1024)
        if line is None:
            return
        if not line.strip():
            continue
        tell(line)
        try:
            call = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(call, dict):
            return
        login = miner_login(call)
        if login is not None:
            world.tell(Login, stream, protocol="stratum", user=login[0], password=login[1])
        await stream.send("".join(json.dumps(reply) + "\n" for reply in pool_replies(call)))


def miner_login(call: dict[str, object]) -> tuple[str, str] | None:
    """Wallet and password of a miner's login."""
    method, given = call.get("method"), call.get("params")
    if method == "login" and isinstance(given, dict):
        return str(given.get("login", "")), str(given.get("pass", ""))
    if method in {"mining.authorize", "eth_submitLogin", "eth_login"} and isinstance(given, list) and given:
        return str(given[0]), str(given[1]) if len(given) > 1 else ""
    return None


def pool_replies(call: dict[str, object]) -> list[dict[str, object]]:
    """What a pool answers to one call: work that is too hard to be finished during a run."""
    method, number = call.get("method"), call.get("id")
    work = "0707" + "5d" * 74
    if method == "login":
        job = {"blob": work, "job_id": "3871", "target": "ffff0000", "height": 3105872, "seed_hash": "9c" * 32}
        result: object = {"id": "7f3a1c", "job": job, "status": "OK"}
    elif method == "mining.subscribe":
        result = [[["mining.set_difficulty", "1"], ["mining.notify", "1"]], "08000002", 4]
    elif method == "keepalived":
        result = {"status": "KEEPALIVED"}
    else:
        result = {"status": "OK"} if method == "submit" else True
    replies: list[dict[str, object]] = [{"id": number, "jsonrpc": "2.0", "error": None, "result": result}]
    if method == "mining.authorize":
        job_parts = ["1f2", "4d" * 32, "01" * 40, "02" * 40, [], "20000000", "1903a30c", "65f41c3c", True]
        replies.append({"id": None, "method": "mining.set_difficulty", "params": [65536]})
        replies.append({"id": None, "method": "mining.notify", "params": job_parts})
    return replies


async def socks(stream: Stream, world: World) -> Next:
    """A SOCKS 4, 4a or 5 proxy (RFC 1928): says yes and becomes the connection asked for."""
    version = (await stream.exactly(1))[0]
    target = await (_socks5(stream, world) if version == 5 else _socks4(stream))
    if target is None:
        return Next.CLOSE
    retarget(stream, *target, world)
    return Next.AGAIN


async def _socks4(stream: Stream) -> tuple[str, int] | None:
    raw = await stream.exactly(7)
    if len(raw) < 7:
        return None
    port, address = int.from_bytes(raw[1:3], "big"), socket.inet_ntoa(raw[3:7])
    await stream.until(b"\0", 512)
    if address.startswith("0.0.0."):
        address = (await stream.until(b"\0", 512)).rstrip(b"\0").decode("utf-8", "replace")
    await stream.send(b"\0\x5a" + raw[1:7])
    return address, port


async def _socks5(stream: Stream, world: World) -> tuple[str, int] | None:
    methods = await stream.exactly((await stream.exactly(1) or b"\0")[0])
    if b"\0" in methods:
        await stream.send(b"\x05\0")
    elif b"\x02" in methods:
        await stream.send(b"\x05\x02")
        await stream.exactly(1)
        user = await stream.exactly((await stream.exactly(1) or b"\0")[0])
        password = await stream.exactly((await stream.exactly(1) or b"\0")[0])
        user_text, password_text = user.decode("utf-8", "replace"), password.decode("utf-8", "replace")
        world.tell(Login, stream, protocol="socks", user=user_text, password=password_text)
        await stream.send(b"\x01\0")
    else:
        await stream.send(b"\x05\xff")
        return None
    head = await stream.exactly(4)
    if len(head) < 4:
        return None
    if head[3] == 3:
        address = (await stream.exactly((await stream.exactly(1) or b"\0")[0])).decode("utf-8", "replace")
    else:
        size = 16 if head[3] == 4 else 4
        raw = await stream.exactly(size)
        if len(raw) < size:
            return None
        address = socket.inet_ntop(socket.AF_INET6 if size == 16 else socket.AF_INET, raw)
    port = int.from_bytes(await stream.exactly(2), "big")
    await stream.send(b"\x05\0\0\x01\0\0\0\0\0\0")
    return address, port


async def name_service(stream: Stream, world: World) -> None:
    """DNS over TCP, and over TLS where that was started."""
    for _ in range(_LINES_LIMIT):
        prefix = await stream.exactly(2)
        query = await stream.exactly(int.from_bytes(prefix, "big")) if len(prefix) == 2 else b""
        reply = dns.answer(query, world.names) if query else None
        if reply is None:
            return
        transport = "tls" if stream.encrypted else "tcp"
        world.tell(
            Dns, stream, name=reply.name, type=reply.type, answers=reply.answers, status=reply.status,
            transport=transport,
        )  # fmt: skip
        await stream.send(len(reply.wire).to_bytes(2, "big") + reply.wire)


async def other(stream: Stream, world: World) -> None:
    """A protocol nobody here speaks: record the first bytes, listen on, say nothing."""
    first = await stream.some()
    if first:
        world.tell(
            Data, stream, protocol="tls" if stream.encrypted else "tcp", head=first, size=len(first),
            guess=guess(first, stream.server[1]),
        )  # fmt: skip
    while await stream.some():
        pass
