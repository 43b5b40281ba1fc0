"""Shortcuts: what they start, and what they pretend to be. All are made here, and start nothing that does anything."""

# ruff: noqa: E501  a row of a table is one line

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engine import Finding, Member, Output, Subject
from lazaretto.analysis.engines import shortcuts
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.formats.types import of

CMD = r"C:\Windows\System32\cmd.exe"
MEANINGS = load_meanings(Path(__file__).parents[3] / "catalogue").by_id


def link(target: str = CMD, arguments: str = "", *, icon: str = "", show: int = 1, tail: bytes = b"") -> bytes:
    """A .lnk with a relative path, arguments and an icon."""
    flags = 0x80 | 8 | (32 if arguments else 0) | (64 if icon else 0)
    guid = bytes.fromhex("0114020000000000c000000000000046")
    made = struct.pack("<I16sIIQQQIIIHHII", 0x4C, guid, flags, 0, 0, 0, 0, 0, 0, show, 0, 0, 0, 0)
    for text in [target, *([arguments] if arguments else []), *([icon] if icon else [])]:
        made += struct.pack("<H", len(text)) + text.encode("utf-16-le")
    return made + bytes(4) + tail


def look(data: bytes, name: str = "a.lnk", kind: str = "lnk") -> list[Output]:
    return list(shortcuts.examine(Subject(data=data, name=name, kind=of(kind))))


def ids(data: bytes, name: str = "a.lnk") -> set[str]:
    return {one.id for one in look(data, name, "url" if name.endswith(".url") else "lnk") if isinstance(one, Finding)}


def url(*lines: str) -> bytes:
    return "\r\n".join(["[InternetShortcut]", *lines]).encode()


CASES: list[tuple[str, bytes, str, bytes, str]] = [
    ("shortcut-starts-interpreter", link(CMD, "/c echo hi"), "a.lnk", link(r"C:\Program Files\A\a.exe", "/x"), "a.lnk"),
    ("shortcut-hides-window", link(CMD, "/c echo hi", show=7), "a.lnk", link(CMD, "/c echo hi"), "a.lnk"),
    ("shortcut-pretends-document", link(CMD, "/c echo hi"), "invoice.pdf.lnk", link(CMD, "/c echo hi"), "prompt.lnk"),
    ("shortcut-pretends-document", link(CMD, "/c echo hi", icon=r"C:\a\b.pdf"), "a.lnk", link(CMD, "/c echo hi", icon=CMD), "a.lnk"),
    ("shortcut-long-padding", link(CMD, " " * 300 + "/c echo hi"), "a.lnk", link(CMD, "/c  echo  hi"), "a.lnk"),
    ("shortcut-starts-from-network", link(r"\\192.0.2.1\a\b.exe"), "a.lnk", link(r"C:\a\b.exe"), "a.lnk"),
    ("shortcut-starts-from-network", url(r"URL=file://192.0.2.1/a/b.js"), "a.url", url("URL=https://example.org/b.js"), "a.url"),
    ("shortcut-carries-data", link(CMD, tail=b"x" * 2000), "a.lnk", link(CMD, tail=bytes(8)), "a.lnk"),
    ("shortcut-opens-network-folder", url("URL=file://192.0.2.1/a"), "a.url", url("URL=file:///C:/a"), "a.url"),
    ("shortcut-link-pretends-document", url("URL=https://example.org/"), "a.pdf.url", url("URL=https://example.org/"), "a.url"),
    ("shortcut-starts-local-program", url("URL=file:///C:/a/b.exe"), "a.url", url("URL=file:///C:/a/b.html"), "a.url"),
    ("shortcut-abuses-scheme", url("URL=search-ms:query=a&crumb=location:b"), "a.url", url("URL=steam://rungameid/1"), "a.url"),
    ("shortcut-runs-in-network-folder", url("URL=C:\\a.exe", r"WorkingDirectory=\\192.0.2.1\a"), "a.url", url("URL=https://example.org", r"WorkingDirectory=C:\a"), "a.url"),
    ("shortcut-remote-icon", url("URL=https://example.org", r"IconFile=\\192.0.2.1\a\b.ico"), "a.url", url("URL=https://example.org", r"IconFile=C:\a.ico"), "a.url"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("id_", "bad", "bad_name", "good", "good_name"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)]
)
def test_finding(id_: str, bad: bytes, bad_name: str, good: bytes, good_name: str) -> None:
    assert id_ in ids(bad, bad_name)
    assert id_ not in ids(good, good_name)


def test_every_finding_has_a_case() -> None:
    assert {name for name in MEANINGS if name.startswith("shortcut-")} == {case[0] for case in CASES}


def test_arguments_are_read_like_a_script() -> None:
    assert "script-switches-protection-off" in ids(link(CMD, "/c s^c st^op WinDefend"))


def test_what_lies_behind_is_a_part() -> None:
    assert Member(name="behind the shortcut", data=b"x" * 2000, relation="overlay") in look(link(CMD, tail=b"x" * 2000))


@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 300))
@settings(max_examples=200, deadline=None)
def test_broken_links_end(place: int, byte: int, cut: int) -> None:
    data = bytearray(link(CMD, "/c echo hi", icon="a.ico", tail=b"x" * 100))
    data[place % len(data)] = byte
    look(bytes(data[: max(1, len(data) - cut)]))


@pytest.mark.parametrize("size", [0, 4, 75, 76, 80])
def test_short_links_end(size: int) -> None:
    look(link(CMD, "/c a")[:size] + b"\xff" * 40)


def test_in_the_cage() -> None:
    with Cage(at_once=1) as cage, sheet(link(CMD, "/c powershell -w hidden Get-Date", show=7)) as fd:
        done = cage.run(shortcuts.ENGINE, fd, name="a.pdf.lnk", kind=of("lnk"))
    assert not done.failed, done.detail
    assert {"shortcut-pretends-document", "script-hides-window"} <= {
        one.id for one in done.outputs if isinstance(one, Finding)
    }
