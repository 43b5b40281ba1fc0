"""HTTP on any connection: reads requests, records them, answers. Proxying, WebSocket and DNS over HTTPS too."""

from __future__ import annotations

import base64
import enum
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from urllib.parse import parse_qs

from . import dns
from .channel import BLOB_LIMIT
from .content import Item, text
from .messages import Data, Dns, Http, Login
from .request import (
    HEAD_LIMIT,
    Location,
    Request,
    answer_head,
    basic_login,
    byte_range,
    locate,
    parse_head,
    split_host,
    websocket_frame,
    websocket_sizes,
    websocket_unmask,
)
from .sites import site
from .stream import Stream, TooLong
from .world import World


class Next(enum.Enum):
    """What is to be done with a connection when a protocol's handler returns."""

    CLOSE = "close"
    AGAIN = "again"  # something new begins inside (a tunnel): find out what


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A decided answer."""

    status: int
    item: Item
    headers: tuple[tuple[str, str], ...] = ()


_NOTHING = Item(body=b"", media_type="", category="none")
_METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS"


async def serve(stream: Stream, world: World) -> Next:
    """Answer requests until the sample ends the connection or opens a tunnel."""
    stream.protocol = "http"
    while True:
        try:
            head = await _head(stream)
        except TooLong:
            await stream.send(answer_head(431, [("Connection", "close"), ("Content-Length", "0")]))
            return Next.CLOSE
        request = parse_head(head) if head else None
        if request is None:
            if head:
                world.tell(Data, stream, protocol="tls" if stream.encrypted else "tcp", head=head, size=len(head))
                await stream.send(answer_head(400, [("Connection", "close"), ("Content-Length", "0")]))
            return Next.CLOSE
        following = await _one(request, stream, world)
        if following is not None:
            return following
        if not request.keep_alive or stream.at_end:
            return Next.CLOSE


async def _head(stream: Stream) -> bytes:
    """Bytes of a request's head, empty at the end. Lines may end in LF alone, as some samples write them."""
    head = bytearray()
    while len(head) <= HEAD_LIMIT:
        line = await stream.until(b"\n", HEAD_LIMIT)
        if line in {b"\r\n", b"\n"} and not head:
            continue  # empty lines before a request are allowed
        head += line
        if line in {b"\r\n", b"\n", b""}:
            return bytes(head)
    raise TooLong


async def _one(request: Request, stream: Stream, world: World) -> Next | None:
    if request.method == "CONNECT":
        return await _tunnel(request, stream, world)
    at = locate(request, tls=stream.encrypted, fallback=world.host(stream), port=stream.server[1])
    if request.header("expect").lower() == "100-continue":
        await stream.send(answer_head(100, []))
    body, size = await _body(request, stream)
    login = basic_login(request.header("authorization") or request.header("proxy-authorization"))
    if login is not None:
        world.tell(Login, stream, protocol="http", user=login[0], password=login[1])
    if "websocket" in request.header("upgrade").lower():
        answer = Answer(status=101, item=replace(_NOTHING, category="websocket"))
        _record(request, at, answer, body, size, stream, world)
        await _websocket(request, stream, world)
        return Next.CLOSE
    answer = decide(request, at, body, stream, world)
    _record(request, at, answer, body, size, stream, world)
    await _send(request, answer, stream)
    return Next.CLOSE if request.version == "HTTP/0.9" else None


async def _body(request: Request, stream: Stream) -> tuple[bytes, int]:
    """The first MiB of the request's body and its whole size, which was read to its end."""
    kept, size = bytearray(), 0

    def keep(data: bytes) -> None:
        nonlocal size
        size += len(data)
        kept.extend(data[: max(0, BLOB_LIMIT - len(kept))])

    if not request.chunked:
        await _pour(request.length, stream, keep)
        return bytes(kept), size
    while True:
        line = await stream.until(b"\n", 1024)
        try:
            length = int(line.split(b";")[0].strip()[:12] or b"0", 16)
        except ValueError:
            return bytes(kept), size
        if length <= 0:
            break
        await _pour(length, stream, keep)
        await stream.until(b"\n", 16)
    while (await stream.until(b"\n", 8192)).strip():
        pass  # trailers
    return bytes(kept), size


async def _pour(length: int, stream: Stream, keep: Callable[[bytes], None]) -> None:
    while length > 0:
        data = await stream.peek()
        if not data:
            return
        keep(stream.take(min(length, len(data))))
        length -= min(length, len(data))


def decide(request: Request, at: Location, body: bytes, stream: Stream, world: World) -> Answer:
    """The answer to a request that is neither a tunnel nor a WebSocket."""
    if request.method in {"OPTIONS", "PROPFIND"}:
        return _about(request, at)
    over_https = _name_service(request, at, body, stream, world)
    if over_https is not None:
        return over_https
    gateway = at.host in {world.names.gateway, world.names.zone}
    known = site(at, request.method, world.place, gateway)
    if known is not None:
        return Answer(status=known.status, item=known.item)
    if request.method in {"PUT", "DELETE", "MKCOL", "MOVE", "COPY", "PATCH"}:
        return Answer(status=201 if request.method == "PUT" else 204, item=_NOTHING)
    if request.method == "TRACE":
        return Answer(status=405, item=_NOTHING, headers=(("Allow", _METHODS),))
    asked = request.header("content-type").lower() + request.header("accept").lower().split(",")[0]
    item = world.shelf.pick(
        at.path, at.url, at.host, agent=request.header("user-agent"), accept=request.header("accept").lower(),
        api="json" in asked,
    )  # fmt: skip
    if request.method == "POST" and item.category == "page":
        # What a collector of stolen data answers.
        item = text("OK", "text/html; charset=utf-8")
    return Answer(status=200, item=item)


def _about(request: Request, at: Location) -> Answer:
    if request.method == "OPTIONS":
        headers = (("Allow", _METHODS + ", PROPFIND"), ("DAV", "1"), ("Access-Control-Allow-Origin", "*"))
        return Answer(status=200, item=_NOTHING, headers=headers)
    # Windows asks so for files on \\host\share when it tries WebDAV.
    path = at.path.replace("&", "&amp;").replace("<", "&lt;")
    kind = "" if "." in at.path.rsplit("/", 1)[-1] else "<D:collection/>"
    body = (
        '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:"><D:response>'
        f"<D:href>{path}</D:href><D:propstat><D:prop><D:resourcetype>{kind}</D:resourcetype>"
        "<D:getcontentlength>65568</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status>"
        "</D:propstat></D:response></D:multistatus>\n"
    )
    return Answer(status=207, item=text(body, "application/xml; charset=utf-8"))


def _name_service(request: Request, at: Location, body: bytes, stream: Stream, world: World) -> Answer | None:
    """DNS over HTTPS (RFC 8484) and its JSON form."""
    if at.path not in {"/dns-query", "/resolve"}:
        return None
    query = parse_qs(at.query)
    if "name" in query:
        return _name_service_json(query, stream, world)
    encoded = query.get("dns", [""])[0].encode("ascii", "ignore")
    wire = body if request.method == "POST" else _unpadded(encoded)
    reply = dns.answer(wire, world.names)
    if reply is None:
        return None
    _tell_name(reply.name, reply.type, reply.status, reply.answers, stream, world)
    return Answer(status=200, item=Item(body=reply.wire, media_type="application/dns-message", category="data"))


def _unpadded(encoded: bytes) -> bytes:
    try:
        return base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
    except ValueError:
        return b""


def _name_service_json(query: dict[str, list[str]], stream: Stream, world: World) -> Answer:
    name, kind = query["name"][0].lower().rstrip("."), query.get("type", ["A"])[0].upper()
    number = int(kind) if kind.isdecimal() and len(kind) < 6 else dns.NUMBERS.get(kind, 1)
    status, records = dns.resolve(name, number, world.names)
    answers = tuple(record.text for record in records)
    _tell_name(name, dns.TYPES.get(number, kind), dns.STATUS[status], answers, stream, world)
    listed = [{"name": r.name + ".", "type": r.type, "TTL": dns.TTL, "data": r.text} for r in records]
    reply = {
        "Status": status, "TC": False, "RD": True, "RA": True, "AD": False, "CD": False,
        "Question": [{"name": name + ".", "type": number}], "Answer": listed,
    }  # fmt: skip
    return Answer(status=200, item=text(json.dumps(reply), "application/dns-json", "json"))


def _tell_name(name: str, kind: str, status: str, answers: tuple[str, ...], stream: Stream, world: World) -> None:
    world.tell(Dns, stream, name=name, type=kind, answers=answers, status=status, transport="https")


def _record(
    request: Request, at: Location, answer: Answer, body: bytes, size: int, stream: Stream, world: World
) -> None:
    world.tell(
        Http, stream,
        method=request.method, url=at.url, version=request.version, headers=request.headers, body=body[:4096],
        body_size=size, blob=world.channel.send_blob("body", at.url, body) if 0 < size <= BLOB_LIMIT else 0,
        tls=stream.encrypted, proxy=stream.proxied or at.absolute, status=answer.status,
        served=answer.item.category, media_type=answer.item.media_type, size=len(answer.item.body),
    )  # fmt: skip
    world.tell_served(stream, answer.item, at.url)


async def _send(request: Request, answer: Answer, stream: Stream) -> None:
    status, body = answer.status, answer.item.body
    headers = [("Server", "nginx"), ("Date", formatdate(usegmt=True))]
    if body or status not in {101, 204}:
        headers.append(("Content-Type", answer.item.media_type or "text/html; charset=utf-8"))
    if status == 200 and body:
        headers += [("Last-Modified", "Fri, 15 Mar 2024 10:12:04 GMT"), ("ETag", f'"{answer.item.sha256[:16]}"')]
        headers.append(("Accept-Ranges", "bytes"))
        wanted = byte_range(request.header("range"), len(body)) if request.header("range") else None
        if wanted == (-1, -1):
            status, headers, body = 416, [*headers, ("Content-Range", f"bytes */{len(body)}")], b""
        elif wanted is not None:
            headers.append(("Content-Range", f"bytes {wanted[0]}-{wanted[1]}/{len(body)}"))
            status, body = 206, body[wanted[0] : wanted[1] + 1]
    headers += answer.headers
    if status != 204:
        headers.append(("Content-Length", str(len(body))))
    headers.append(("Connection", "keep-alive" if request.keep_alive else "close"))
    if request.version == "HTTP/0.9":
        await stream.send(body)
        return
    await stream.send(answer_head(status, headers) + (b"" if request.method == "HEAD" else body))


async def _tunnel(request: Request, stream: Stream, world: World) -> Next:
    host, port = split_host(request.target, 443)
    login = basic_login(request.header("proxy-authorization"))
    if login is not None:
        world.tell(Login, stream, protocol="http", user=login[0], password=login[1])
    world.tell(
        Http, stream, method="CONNECT", url=f"http://{request.target}", version=request.version,
        headers=request.headers, proxy=True, status=200, served="tunnel",
    )  # fmt: skip
    await stream.send("HTTP/1.1 200 Connection established\r\n\r\n")
    retarget(stream, host, port, world)
    return Next.AGAIN


def retarget(stream: Stream, host: str, port: int, world: World) -> None:
    """From here on the connection stands for one to `host`, as through a proxy."""
    stream.proxied = True
    stream.server_name = host
    known = host and not host.replace(".", "").isdecimal() and ":" not in host and world.names.exists(host)
    stream.server = (world.names.address(host, 4) if known else host, port)


async def _websocket(request: Request, stream: Stream, world: World) -> None:
    key = request.header("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    headers = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)]
    wanted = request.header("sec-websocket-protocol").split(",")[0].strip()
    if wanted:
        headers.append(("Sec-WebSocket-Protocol", wanted))
    await stream.send(answer_head(101, headers))
    told = 0
    while True:
        head = await stream.peek(2)
        if len(head) < 2:
            return
        header_size, _ = websocket_sizes(head + bytes(12))
        head = await stream.peek(header_size)
        header_size, size = websocket_sizes(head + bytes(12))
        if size > BLOB_LIMIT:
            return
        raw = await stream.exactly(header_size + size)
        if len(raw) < header_size + size:
            return
        frame = websocket_unmask(raw[:header_size], raw[header_size:])
        if frame.code == 8:
            await stream.send(websocket_frame(8, frame.data))
            return
        if frame.code == 9:
            await stream.send(websocket_frame(10, frame.data))
        elif told < 16:
            told += 1
            world.tell(Data, stream, protocol="websocket", head=frame.data, size=len(frame.data))
