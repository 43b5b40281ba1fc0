"""What a mail brings along and what it wants its reader to do."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from lazaretto.analysis.addresses.find import host_address
from lazaretto.analysis.engine import Fact, Finding, Output
from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.identify import extension_of, identify
from lazaretto.analysis.mail.known import Known
from lazaretto.analysis.mail.links import Link, Page, read_page
from lazaretto.analysis.mail.lookalike import likeness, unicode_form
from lazaretto.analysis.mail.message import Attachment, Message
from lazaretto.analysis.passwords import passwords
from lazaretto.domain.sample import Category

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

_MOST_PAGES = 20
_MOST_TOLD = 16
# What Windows starts on a double click though it is no program by itself.
_STARTS = {"lnk", "hta", "wsf", "script-encoded", "jscript", "vbscript", "scriptlet", "url", "reg"}
_IMAGES = {"iso", "vhd"}
_PROGRAMS = {"msi", "appx", "jar", "apk"}


def of_contents(message: Message, known: Known) -> Iterator[Output]:
    """Findings and facts about bodies and attachments."""
    text = "\n".join([message.subject, *(body.text for body in message.bodies)])
    if GTUBE in text:
        yield Finding(id="mail-gtube")
    pages = [read_page(body.text) for body in message.bodies if body.html][:_MOST_PAGES]
    for page in pages:
        yield from _of_page(page, message, known)
    yield from _haste(" ".join([message.subject, message.text, *(page.text for page in pages)]), known)
    yield from _of_attachments(message, text)


def _of_page(page: Page, message: Message, known: Known) -> Iterator[Output]:
    sender = {known.world.registered(one.domain) for one in message.addresses("from") if one.domain}
    for link in page.links:
        yield from _of_link(link, sender, known)
    for form in page.forms:
        yield Finding(id="mail-form-password" if form.password else "mail-form", detail=form.target)
    if page.scripts:
        yield Finding(id="mail-script")
    if page.pixels:
        yield Fact(name="mail.tracking", value=tuple(page.pixels[:_MOST_TOLD]))


def _of_link(link: Link, sender: set[str], known: Known) -> Iterator[Finding]:
    start = link.target.strip().lower()
    if start.startswith(("javascript:", "vbscript:", "data:text/html", "file:", "search-ms:")):
        yield Finding(id="mail-link-active", detail=link.target)
        return
    parts = link.parts
    if parts is None or parts.hostname is None:
        return
    host = parts.hostname.lower()
    address = host_address(host)
    if address is not None and address.is_global:
        yield Finding(id="mail-link-to-address", detail=link.target)
    if parts.username is not None and "." in parts.username:
        yield Finding(id="mail-link-pretends", detail=link.target)
    there = host if address is not None else known.world.registered(host)
    yield from _of_promise(link, there, sender, known)
    if address is None and known.world.is_domain(host):
        yield from _of_name(link, host, sender, known)
    name = unquote(parts.path.rpartition("/")[2])
    reader = "@" in name and name.lower().endswith(".com")  # newsletters end their links with the reader's address
    if not reader and extension_of(name) in known.world.programs:
        yield Finding(id="mail-link-program", detail=link.target)


def _of_name(link: Link, host: str, sender: set[str], known: Known) -> Iterator[Finding]:
    there = known.world.registered(host)
    if there in known.world.shorteners:
        yield Finding(id="mail-link-short", detail=link.target)
    if there not in sender and (like := likeness(host, known)):
        kind = {"letters": "mail-link-same-look", "spelling": "mail-link-near", "inside": "mail-link-borrowed-name"}
        yield Finding(id=kind[like.kind], detail=f"{unicode_form(host)} for {like.of}")


def _of_promise(link: Link, there: str, sender: set[str], known: Known) -> Iterator[Finding]:
    """A link whose text is another place than it leads to. `there` is where it leads."""
    promised = link.promised
    if not promised or not known.world.is_domain(promised) or known.world.registered(promised) == there:
        return
    named = known.world.registered(promised)
    # senders have their own links counted by others, so only somebody else's name is a false promise
    false = named not in sender and _is_brand(named, known)
    kind = "mail-link-false-company" if false else "mail-link-other"
    yield Finding(id=kind, detail=f"{link.shown} -> {link.target}")


def _is_brand(domain: str, known: Known) -> bool:
    return any(domain == known.world.registered(own) for domains in known.brands.values() for own in domains)


def _haste(text: str, known: Known) -> Iterator[Finding]:
    lower = " ".join(text[:400_000].lower().split())
    said = [phrase for phrase in known.urgency if phrase in lower]
    if len(said) >= 2:
        yield Finding(id="mail-haste", detail=", ".join(said[:6]))


def _of_attachments(message: Message, text: str) -> Iterator[Output]:
    closed = []
    for one in message.attachments[:200]:
        kind = identify(one.data, one.name)
        yield from _of_attachment(one, kind)
        if is_encrypted(one.data, kind):
            closed.append(one.name)
    if closed:
        told = passwords(f"{message.subject}\n{text}")
        yield Finding(id="mail-password-beside" if told else "mail-attachment-encrypted", detail=", ".join(closed[:8]))
    names = tuple(one.name for one in message.attachments[:50] if not one.inline)
    if names:
        yield Fact(name="mail.attachments", value=names)


def _of_attachment(one: Attachment, kind: FileType) -> Iterator[Finding]:
    if kind.name in _STARTS or kind.name in {"batch", "powershell"}:
        yield Finding(id="mail-attachment-starts", detail=one.name)
    elif kind.category is Category.EXECUTABLE or kind.name in _PROGRAMS:
        yield Finding(id="mail-attachment-program", detail=one.name)
    elif kind.category is Category.SCRIPT:
        yield Finding(id="mail-attachment-script", detail=one.name)
    elif kind.name in _IMAGES:
        yield Finding(id="mail-attachment-disc", detail=one.name)
    elif kind.name in {"html", "svg"} and not one.inline:
        page = read_page(one.data[:2_000_000].decode("utf-8", "replace"))
        if any(form.password for form in page.forms):
            yield Finding(id="mail-attachment-login", detail=one.name)
        elif page.scripts:
            yield Finding(id="mail-attachment-page", detail=one.name)


def is_encrypted(data: bytes, kind: FileType) -> bool:
    """Whether it asks for a password, as far as its header says."""
    if "encrypted" in kind.traits or kind.name == "ooxml-encrypted":
        return True
    if kind.name == "pdf":
        return b"/Encrypt" in data
    if kind.name == "7z":
        # the coder for AES-256 ([7z format], method 06 F1 07 01) in the header at the end
        return b"\x06\xf1\x07\x01" in data[-65536:]
    if kind.name == "rar":
        return _rar_encrypted(data)
    return False


def _rar_encrypted(data: bytes) -> bool:
    """RAR 4: the flag of the archive (0x80) or of the first file (0x04). RAR 5: a header of its own (4), or the record
    of encryption (1) in the first file's extra area, which needs a walk: the salt's record is looked for."""
    if data[:8] == b"Rar!\x1a\x07\x01\0":
        return data[12:14] in {b"\x21\x04", b"\x20\x04"} or b"\x01\0\x03\x0f" in data[:4096] or _five(data)
    if data[:7] == b"Rar!\x1a\x07\0" and len(data) > 30:
        first = 7 + int.from_bytes(data[12:14], "little")
        return bool(data[10] & 0x80) or bool(data[first + 2 : first + 3] == b"\x74" and data[first + 3] & 0x04)
    return False


def _five(data: bytes) -> bool:
    """Whether a header of RAR 5 within the first blocks has type 4."""
    at = 8
    for _ in range(8):
        size, after = _number(data, at + 4)
        kind, _end = _number(data, after)
        if kind == 4:
            return True
        if kind != 1 or not size:
            return False
        at = after + size
    return False


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length (RAR 5: seven bits a byte, low ones first), and where it ends."""
    value = 0
    for shift, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    return 0, at + 10
