"""Shortcuts: what a .lnk or .url file really opens, and how it makes people believe otherwise.

The layout is that of [MS-SHLLINK]: a header of 76 bytes, an item list, link information, counted strings, extra blocks.
It is read here as far as it is needed; LnkParse3 gives the path in the item list.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from lazaretto.analysis.engine import Engine, Fact, Finding, Indicator, Member, Output, Subject, short

ENGINE = Engine(
    name="shortcuts",
    version="1",
    module="lazaretto.analysis.engines.shortcuts",
    wants=lambda kind: kind.name in {"lnk", "url"},
    sees="what a shortcut really starts, with which arguments, and what it pretends to be",
    loads=(
        "LnkParse3",
        "LnkParse3.lnk_file",
        "lazaretto.analysis.engines.scripts",
        "lazaretto.analysis.scripting.judge",
        "lazaretto.analysis.scripting.warm",
    ),
    seconds=10.0,
    essential=True,
)
_INTERPRETERS = re.compile(
    r"(?:^|[\\/])(?:cmd|powershell|pwsh|mshta|wscript|cscript|rundll32|regsvr32|msiexec|certutil|bitsadmin|forfiles|conhost|pcalua|ftp|curl|wmic|installutil|explorer)(?:\.exe)?$",
    re.IGNORECASE,
)
_DOCUMENT_NAME = re.compile(
    r"\.(?:pdf|docx?|xlsx?|pptx?|rtf|txt|jpe?g|png|gif|csv|html?|mp[34]|zip|eml)\.(?:lnk|url)$", re.IGNORECASE
)
_DOCUMENT_ICON = re.compile(
    r"\.(?:pdf|docx?|xlsx?|pptx?|rtf|txt|html?)\b|winword|excel|powerpnt|acrord|acrobat|wordicon|xlicons|msedge|chrome|wordpad|notepad|imageres|shell32|moricons",
    re.IGNORECASE,
)
_STARTS = re.compile(
    r"\.(?:exe|dll|scr|com|pif|cpl|bat|cmd|ps1|vbs|vbe|js|jse|wsf|hta|msi|lnk|url|jar|iso|img|zip)(?:$|[?#])",
    re.IGNORECASE,
)
_OWN_SCHEMES = ("http:", "https:", "ftp:", "mailto:", "file:", "about:")
_MOST_BLOCKS = 64
_MOST_TEXT = 1 << 17
_MINIMISED = 7


def examine(subject: Subject) -> Iterator[Output]:
    if subject.kind.name == "url":
        yield from _internet_shortcut(subject)
    else:
        yield from _link(subject)


@dataclass
class Link:
    """What a .lnk says. `end` is where its structures end, in bytes from the begin."""

    show: int = 1
    local: str = ""
    network: str = ""
    strings: dict[str, str] = field(default_factory=dict)
    environment: str = ""
    icon_environment: str = ""
    has_items: bool = False
    end: int = 0


def read_link(data: bytes) -> Link:
    """A .lnk as far as its structures hold together; what is cut off is missing."""
    link = Link()
    if len(data) < 76:
        link.end = len(data)
        return link
    flags = struct.unpack_from("<I", data, 20)[0]
    link.show = struct.unpack_from("<I", data, 60)[0]
    at = 76
    if flags & 1:
        link.has_items = True
        at += 2 + _u16(data, at)
    if flags & 2:
        size = _u32(data, at)
        _information(data[at : at + size], link)
        at += max(4, size)
    wide = bool(flags & 0x80)
    for bit, name in ((4, "description"), (8, "relative"), (16, "folder"), (32, "arguments"), (64, "icon")):
        if flags & bit:
            count = _u16(data, at)
            raw = data[at + 2 : at + 2 + count * (2 if wide else 1)]
            link.strings[name] = raw.decode("utf-16-le" if wide else "latin-1", "replace")[:_MOST_TEXT]
            at += 2 + count * (2 if wide else 1)
    link.end = min(len(data), _extra(data, at, link))
    return link


def _extra(data: bytes, at: int, link: Link) -> int:
    for _ in range(_MOST_BLOCKS):
        size = _u32(data, at)
        if size < 4:
            return at + 4
        signature = _u32(data, at + 4)
        if signature in {0xA0000001, 0xA0000007} and size >= 0x314:
            text = data[at + 8 + 260 : at + 8 + 260 + 520].decode("utf-16-le", "replace").split("\0")[0]
            text = text or data[at + 8 : at + 8 + 260].split(b"\0")[0].decode("latin-1")
            if signature == 0xA0000001:
                link.environment = text
            else:
                link.icon_environment = text
        at += size
        if at >= len(data):
            return len(data)
    return at


def _information(info: bytes, link: Link) -> None:
    flags, base, net, suffix = _u32(info, 8), _u32(info, 16), _u32(info, 20), _u32(info, 24)
    tail = _text(info, suffix) if suffix else ""
    if flags & 1 and base:
        link.local = _text(info, base) + tail
    if flags & 2 and net:
        name = _u32(info, net + 8)
        link.network = (_text(info, net + name) + "\\" + tail).rstrip("\\") if name else ""


def _text(data: bytes, at: int) -> str:
    return data[at : at + 1024].split(b"\0")[0].decode("latin-1") if 0 < at < len(data) else ""


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _items(data: bytes) -> str:
    """The path that the item list spells."""
    import LnkParse3  # type: ignore[import-untyped]  # noqa: PLC0415  only in the cage

    try:
        found = LnkParse3.lnk_file(indata=data[: 1 << 20]).get_json().get("target", {}).get("items", [])
    except Exception:  # the library stops in many ways at what it does not know
        return ""
    names = [
        str(one.get("primary_name") or one.get("data") or one.get("long_name") or "")
        for one in found
        if isinstance(one, dict)
    ]
    return "\\".join(name.rstrip("\\") for name in names if name)[:1000]


def _link(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.engines import scripts  # noqa: PLC0415  only in the cage
    from lazaretto.analysis.scripting.environment import expanded  # noqa: PLC0415  only in the cage

    link = read_link(subject.data)
    target = (
        link.local
        or link.network
        or link.environment
        or (_items(subject.data) if link.has_items else "")
        or link.strings.get("relative", "")
    )
    arguments = link.strings.get("arguments", "")
    icon = link.icon_environment or link.strings.get("icon", "")
    for name, value in (
        ("shortcut-target", target),
        ("shortcut-arguments", arguments.strip()),
        ("shortcut-icon", icon),
        ("shortcut-folder", link.strings.get("folder", "")),
    ):
        if value:
            yield Fact(name=name, value=short(value, 2000))
    starts = bool(_INTERPRETERS.search(expanded(target).strip('"')))
    if starts and arguments.strip():
        yield Finding(id="shortcut-starts-interpreter", detail=f"{target} {arguments.strip()}")
        if link.show == _MINIMISED:
            yield Finding(id="shortcut-hides-window", detail=target)
        if _DOCUMENT_NAME.search(subject.name) or (
            icon and _DOCUMENT_ICON.search(icon) and not _same_program(icon, target)
        ):
            yield Finding(id="shortcut-pretends-document", detail=f"{subject.name}: {icon}")
        yield from scripts.judged(f'"{target}" {arguments}'.encode("utf-8", "replace"), "batch", line=True)
    if re.search(r"\s{60,}", arguments):
        yield Finding(id="shortcut-long-padding", detail=f"{len(arguments)} characters")
    if (
        link.network.startswith("\\\\")
        or target.startswith("\\\\")
        or "@ssl" in target.lower()
        or "davwwwroot" in target.lower()
    ) and _STARTS.search(target):
        yield Finding(id="shortcut-starts-from-network", detail=target)
    if len(subject.data) - link.end > 512:
        yield Finding(id="shortcut-carries-data", detail=f"{len(subject.data) - link.end} bytes")
        yield Member(name="behind the shortcut", data=subject.data[link.end :], relation="overlay")


def _same_program(icon: str, target: str) -> bool:
    return re.split(r"[\\/]", icon.lower())[-1].strip('"') == re.split(r"[\\/]", target.lower())[-1].strip('"')


def _internet_shortcut(subject: Subject) -> Iterator[Output]:
    """`[InternetShortcut]` and lines of `name=value`."""
    text = subject.data[:65536].decode("utf-8", "replace")
    values = {
        name.strip().lower(): value.strip()
        for name, equals, value in (line.partition("=") for line in text.splitlines()[:500])
        if equals
    }
    url, icon, folder = values.get("url", ""), values.get("iconfile", ""), values.get("workingdirectory", "")
    yield Fact(name="shortcut-target", value=short(url, 2000))
    low = url.lower()
    if low.startswith(("http://", "https://", "ftp://")):
        yield Indicator(kind="url", value=short(url, 2000))
        if _DOCUMENT_NAME.search(subject.name):
            yield Finding(id="shortcut-link-pretends-document", detail=f"{subject.name}: {url}")
    remote = re.match(r"(?:file:)?(?:[\\/]{2,})([^\\/:]+)[\\/]", url)
    if (
        remote
        and not (low.startswith("file:///") and re.match(r"file:///[a-z]:", low))
        and remote[1].lower() not in {"localhost", "127.0.0.1", "."}
    ):
        yield Finding(
            id="shortcut-starts-from-network" if _STARTS.search(url) else "shortcut-opens-network-folder", detail=url
        )
    elif low.startswith("file:") and _STARTS.search(low) and not low.endswith((".htm", ".html")):
        yield Finding(id="shortcut-starts-local-program", detail=url)
    elif (
        re.match(r"[a-z][\w+.-]{1,40}:", low)
        and not low.startswith(_OWN_SCHEMES)
        and low.startswith(
            (
                "javascript:",
                "vbscript:",
                "ms-msdt:",
                "search-ms:",
                "search:",
                "ms-appinstaller:",
                "ms-officecmd:",
                "data:",
                "mhtml:",
            )
        )
    ):
        yield Finding(id="shortcut-abuses-scheme", detail=url)
    if folder.startswith("\\\\"):
        yield Finding(id="shortcut-runs-in-network-folder", detail=f"{url} in {folder}")
    if icon.startswith("\\\\") or icon.lower().startswith("file://"):
        yield Finding(id="shortcut-remote-icon", detail=icon)
