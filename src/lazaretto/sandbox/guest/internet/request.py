"""HTTP/1 as bytes: reading a request's head, its body's framing, and writing an answer (RFC 9112). Pure."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

HEAD_LIMIT = 64 * 1024
HEADERS_LIMIT = 64
_REQUEST_LINE = re.compile(rb"([A-Z][A-Z-]{0,31}) +(\S{1,32768})(?: +(HTTP/\d\.\d))?\s*\Z")

REASONS = {
    100: "Continue", 101: "Switching Protocols", 200: "OK", 201: "Created", 204: "No Content", 206: "Partial Content",
    207: "Multi-Status", 302: "Found", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
    413: "Content Too Large", 416: "Range Not Satisfiable", 431: "Request Header Fields Too Large",
    501: "Not Implemented",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request's head. `target` is as sent; header names keep their case."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str:
        """The first header of this name (given in lower case), "" if there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def keep_alive(self) -> bool:
        wish = self.header("connection").lower() or self.header("proxy-connection").lower()
        return "close" not in wish if self.version == "HTTP/1.1" else "keep-alive" in wish

    @property
    def chunked(self) -> bool:
        return "chunked" in self.header("transfer-encoding").lower()

    @property
    def length(self) -> int:
        """Declared size of the body; 0 if there is none or it makes no sense."""
        text = self.header("content-length").strip()
        return int(text) if re.fullmatch(r"\d{1,15}", text) else 0


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where a request goes: absolute URL and its parts. `path` is decoded and has no query."""

    url: str
    host: str
    port: int
    path: str
    query: str
    absolute: bool


def parse_head(raw: bytes) -> Request | None:
    """The request of a head with or without its final empty line; None if it is no HTTP/1 request."""
    lines = raw.split(b"\n")
    match = _REQUEST_LINE.match(lines[0].rstrip(b"\r"))
    if match is None:
        return None
    headers: list[tuple[str, str]] = []
    for line in lines[1:]:
        name, colon, value = line.rstrip(b"\r").partition(b":")
        if colon and len(headers) < HEADERS_LIMIT:
            headers.append((name.strip().decode("latin-1"), value.strip().decode("utf-8", "replace")))
    return Request(
        method=match[1].decode(),
        target=match[2].decode("utf-8", "replace"),
        version=(match[3] or b"HTTP/0.9").decode(),
        headers=tuple(headers),
    )


def split_host(text: str, default: int) -> tuple[str, int]:
    """Host and port of a Host header or CONNECT target; IPv6 in brackets."""
    match = re.fullmatch(r"\[([0-9A-Fa-f:.]{2,45})\](?::(\d{1,5}))?|([^:/@\s]{1,255})(?::(\d{1,5}))?", text.strip())
    if match is None:
        return "", default
    port = int(match[2] or match[4] or default)
    return (match[1] or match[3]).lower(), port if 0 < port < 65536 else default


def locate(request: Request, *, tls: bool, fallback: str, port: int) -> Location:
    """Where the request goes. `fallback` and `port`: what the connection itself leads to."""
    scheme = "https" if tls else "http"
    target, host, absolute = request.target, "", False
    match = re.match(r"(https?|ftp)://([^/?#]*)(.*)\Z", target, re.IGNORECASE | re.DOTALL)
    if match:
        absolute, scheme, target = True, match[1].lower(), match[3] or "/"
        host, port = split_host(match[2].rsplit("@", 1)[-1], 443 if scheme == "https" else 80)
    elif request.header("host"):
        host, port = split_host(request.header("host"), port)
    host = host or fallback
    try:
        parts = urlsplit(target if target.startswith("/") else "/" + target)
        path, query = unquote(parts.path), parts.query
    except ValueError:  # urlsplit refuses odd brackets
        path, _, query = target.partition("?")
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port == (443 if scheme == "https" else 80) else f"{shown}:{port}"
    return Location(
        url=f"{scheme}://{authority}{target if target.startswith('/') else '/' + target}",
        host=host, port=port, path=path, query=query, absolute=absolute,
    )  # fmt: skip


def byte_range(text: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a Range header with one range; None to serve everything; (-1, -1) if out of bounds."""
    match = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", text.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        count = int(match[2])
        return (max(0, size - count), size - 1) if count and size else (-1, -1)
    first, last = int(match[1]), int(match[2] or size - 1)
    return (first, min(last, size - 1)) if first < size and first <= last else (-1, -1)


def basic_login(value: str) -> tuple[str, str] | None:
    """Name and password of a Basic Authorization header."""
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(token, validate=False).decode("utf-8", "replace").partition(":")
    except ValueError:
        return None
    return user, password


def answer_head(status: int, headers: list[tuple[str, str]]) -> bytes:
    """Status line and headers with the empty line."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'OK')}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


@dataclass(frozen=True, kw_only=True)
class WebSocketFrame:
    """One frame (RFC 6455, 5.2), unmasked."""

    code: int
    data: bytes


def websocket_sizes(head: bytes) -> tuple[int, int]:
    """Size of the frame's header and of its content, from at least 2 bytes (14 to be exact for long ones)."""
    size, extra = head[1] & 0x7F, 0
    if size >= 126:
        extra = 2 if size == 126 else 8
        size = int.from_bytes(head[2 : 2 + extra], "big")
    return 2 + extra + (4 if head[1] & 0x80 else 0), size


def websocket_unmask(header: bytes, data: bytes) -> WebSocketFrame:
    """The frame of a whole header and its content."""
    if header[1] & 0x80 and data:
        mask = (header[-4:] * (len(data) // 4 + 1))[: len(data)]
        number = int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")
        data = number.to_bytes(len(data), "big")
    return WebSocketFrame(code=header[0] & 0x0F, data=data)


def websocket_frame(code: int, data: bytes) -> bytes:
    """A frame from the server, for at most 125 bytes."""
    return bytes((0x80 | code, min(len(data), 125))) + data[:125]
