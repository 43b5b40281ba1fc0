"""Compiled help made in the test; what the compilers of Microsoft and Free Pascal make was compared when written."""

from __future__ import annotations

import random
import struct

import pytest

from lazaretto.analysis.identify import identify
from lazaretto.analysis.unpackers._microsoft import lzx
from lazaretto.analysis.unpackers._microsoft.huffman import Broken
from lazaretto.analysis.unpackers._microsoft.pages import plain
from lazaretto.testing import microsoft
from lazaretto.testing.opened import open_with

PAGE = b"<html><body><h1>Title</h1><a href='other.htm'>other</a></body></html>"
FILES = {"/index.htm": PAGE, "/sub/tool.exe": b"MZ" + random.Random(1).randbytes(70_000), "/a.gif": b"GIF89a" * 9}
SYSTEM = struct.pack("<I", 3) + b"".join(
    struct.pack("<HH", code, len(text)) + text for code, text in ((2, b"index.htm\0"), (3, b"A help\0"))
)
HELP = microsoft.chm(FILES, plain={"/#SYSTEM": SYSTEM})


def test_files_of_both_sections() -> None:
    assert identify(HELP, "a.chm").name == "chm"
    opened = open_with("help", HELP)
    assert opened.files == {**{name[1:]: data for name, data in FILES.items()}, "#SYSTEM": SYSTEM}
    assert {one.name: one.value for one in opened.facts} == {
        "help-title": "A help", "help-first-page": "index.htm", "help-files": 4,
    }  # fmt: skip
    assert opened.members[0].name == "index.htm"  # what is shown first
    assert not opened.short
    assert not opened.findings


def test_what_can_act_comes_before_what_is_shown() -> None:
    names = [one.name for one in open_with("help", microsoft.chm(dict(reversed(FILES.items())))).members]
    assert names == ["sub/tool.exe", "index.htm", "a.gif"]


def test_many_plain_pages_are_one_part() -> None:
    files = {f"/{number}.htm": PAGE + b"%d" % number for number in range(600)}
    files["/active.htm"] = b"<html><script>a()</script></html>"
    opened = open_with("help", microsoft.chm(files))
    assert set(opened.files) == {"active.htm", "plain pages 1.html"}
    assert opened.files["plain pages 1.html"].count(PAGE) == 600
    assert {one.name: one.value for one in opened.facts}["help-plain-pages"] == 600


@pytest.mark.parametrize(
    "page",
    [
        b"<script>a()</script>",
        b"<p onclick=a()>",
        b"<p/onclick=a()>",
        b"<a href='javascript:a()'>",
        b"<a href='java&#115;cript:a()'>",
        b'<a href="java\nscript:a()">',
        b"<a href='ms-its:x::/y'>",
        b"<img src='\\\\host\\x.gif'>",
        b"<meta http-equiv='refresh' content='0; url=x'>",
        b"<object classid=x>",
        b"<html>\0</html>",
        b"<!--[if IE]><script>a()</script><![endif]-->",
        b"text alone",
        b"<meta content='text/html; charset=utf-7'>",
    ],
)
def test_pages_that_may_act_are_not_plain(page: bytes) -> None:
    assert not plain(page)


def test_plain_pages() -> None:
    page = b"<!DOCTYPE html><meta http-equiv=Content-Type content='text/html; charset=utf-8'><!-- note --><p>A &amp; B"
    assert plain(page + b"<a href='https://example.org:80/a:b?c=1'>x</a><a href='#top'>y</a><img src=a.gif></p>")


def test_a_table_that_is_missing_is_said() -> None:
    opened = open_with("help", HELP.replace(b"LZXC", b"LZXD"))
    assert set(opened.files) == {"#SYSTEM"}
    assert opened.found == {"archive-damaged"}
    assert "not known here" in opened.closed["sub/tool.exe"]


def test_a_directory_that_is_missing_is_said() -> None:
    opened = open_with("help", HELP[:0x70])
    assert opened.found == {"archive-damaged"}
    assert opened.short


def test_too_much_is_left_alone() -> None:
    opened = open_with("help", HELP, room=1000)
    assert "too large" in opened.closed["sub/tool.exe"]
    huge = microsoft.chm_of([microsoft.lzx_raw(b"")], 1 << 40, {"/a": (0, 1 << 40)}, {})
    opened = open_with("help", huge)
    assert "archive-bomb" in opened.found
    assert not opened.files


def test_names_that_climb_are_told_of() -> None:
    assert "archive-path-climbs" in open_with("help", microsoft.chm({"/../../a.exe": b"MZ"})).found


def test_blocks_that_are_none_are_refused() -> None:
    with pytest.raises(Broken):
        lzx.unpacked(bytes(64), 10, 16)
    with pytest.raises(Broken):
        lzx.unpacked(bytes(64), 10, 3)


def test_damage_ends_in_outputs() -> None:
    chance = random.Random(5)
    small = microsoft.chm({"/index.htm": PAGE}, plain={"/#SYSTEM": SYSTEM})
    for _ in range(300):
        broken = bytearray(small[: chance.randrange(100, len(small) + 1)])
        for _ in range(chance.randrange(8)):
            broken[chance.randrange(8, min(900, len(broken)))] = chance.randrange(256)
        open_with("help", bytes(broken), kind="chm", room=1 << 20)
