"""ZIP archives: whole, locked, damaged, lying."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.testing import archives
from lazaretto.testing.opened import open_with

FILES = {"a.txt": b"hello " * 200, "sub/b.bin": bytes(range(256)) * 30, "empty": b""}
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_all_usual_methods(method: int) -> None:
    opened = open_with("zips", archives.zipped(FILES, method))
    assert opened.files == FILES
    assert not opened.findings
    assert not opened.short


def test_methods_that_the_standard_library_lacks() -> None:
    data = FILES["a.txt"]
    for method, packed in ((93, zstd.compress(data)), (9, _deflate64(data))):
        archive = bytearray(archives.zip_of([("a", "a", packed, zlib.crc32(data), len(data), 0)]))
        struct.pack_into("<H", archive, 8, method)
        struct.pack_into("<H", archive, archive.index(b"PK\1\2") + 10, method)
        assert open_with("zips", bytes(archive)).files == {"a": data}


def _deflate64(data: bytes) -> bytes:
    """Blocks that are not packed look the same in Deflate64."""
    return b"\1" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data


def test_an_unknown_method_is_said() -> None:
    archive = bytearray(archives.plain_zip({"a": b"12345"}))
    struct.pack_into("<H", archive, archive.index(b"PK\1\2") + 10, 77)
    opened = open_with("zips", bytes(archive))
    assert "method 77" in opened.closed["a"]
    assert opened.found == {"archive-damaged"}
    assert opened.short


def test_zip64() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open(zipfile.ZipInfo("a"), "w", force_zip64=True) as file:
        file.write(b"content")
    assert open_with("zips", buffer.getvalue()).files == {"a": b"content"}


def test_something_before_the_archive_does_no_harm() -> None:
    assert open_with("zips", b"#!/bin/sh\nexit 0\n" + archives.zipped(FILES), kind="zip").files == FILES


@pytest.mark.parametrize("locked", ["aes", "old"])
def test_passwords(locked: str) -> None:
    data = FILES["a.txt"]
    archive = archives.aes_zipped({"a": data}, "bad wolf") if locked == "aes" else _old(data)
    shut = open_with("zips", archive, passwords=["infected"])
    assert not shut.files
    assert "encrypted" in shut.closed["a"]
    assert shut.found == {"archive-stays-closed"}
    assert shut.short
    known = open_with("zips", archive, passwords=["infected", "bad wolf"])
    assert known.files == {"a": data}
    assert known.members[0].password == "bad wolf"
    assert known.found == {"archive-password-known"}
    beside = open_with("zips", archive, passwords=["infected", "bad wolf"], words=["bad wolf"])
    assert beside.found == {"archive-password-beside"}


def _old(data: bytes) -> bytes:
    return archives.old_locked_zip("a", data, "bad wolf")


def test_a_password_in_the_comment() -> None:
    buffer = io.BytesIO(archives.aes_zipped({"a": b"x"}, "opensesame"))
    archive = bytearray(buffer.getvalue())
    comment = b"use opensesame to open"
    struct.pack_into("<H", archive, len(archive) - 2, len(comment))
    assert open_with("zips", bytes(archive) + comment).files == {"a": b"x"}


def test_a_wrong_password_that_passes_the_first_check_is_found_out() -> None:
    archive = _old(b"content")
    many = [f"wrong{number}" for number in range(600)]  # some two of them fit the one byte
    opened = open_with("zips", archive, passwords=many)
    assert not opened.files


@pytest.mark.parametrize("cut", [1, 10, 30, 60, 100])
def test_without_its_directory(cut: int) -> None:
    data = archives.zipped(FILES)
    start = data.index(b"PK\1\2")
    opened = open_with("zips", data[: len(data) - cut] if cut < 60 else data[:start], kind="zip")
    assert opened.files == FILES
    assert opened.found == {"archive-directory-broken"}


def test_cut_in_a_member() -> None:
    opened = open_with("zips", archives.zipped({"a": bytes(range(256)) * 64}, zipfile.ZIP_DEFLATED)[:150], kind="zip")
    assert opened.files["a"].startswith(bytes(range(60)))  # what came before the cut is looked at
    assert {"archive-damaged", "archive-directory-broken"} == opened.found


def test_a_wrong_check_sum_is_told_and_the_bytes_are_looked_at() -> None:
    data = archives.zip_of([("a", "a", b"content", 1, 7, 0)])
    opened = open_with("zips", data)
    assert opened.files == {"a": b"content"}
    assert opened.found == {"archive-damaged"}


def test_members_that_the_list_leaves_out() -> None:
    opened = open_with("zips", archives.plain_zip({"a.txt": b"1", "b.exe": b"MZ 2"}, listed=1))
    assert opened.files == {"a.txt": b"1", "b.exe": b"MZ 2"}
    assert opened.details("archive-member-unlisted") == ["b.exe"]
    assert not open_with("zips", archives.plain_zip({"a.txt": b"1", "b.exe": b"MZ 2"})).findings


def test_an_archive_in_an_archive_is_no_hidden_member() -> None:
    inner = archives.plain_zip({"a": b"1"})
    assert not open_with("zips", archives.plain_zip({"inner.zip": inner})).findings


def test_two_names() -> None:
    opened = open_with("zips", archives.zip_of([("safe.txt", "evil.exe", b"x", zlib.crc32(b"x"), 1, 0)]))
    assert opened.details("archive-two-names") == ["safe.txt and evil.exe"]
    slashed = archives.zip_of([("a/b", "a\\b", b"x", zlib.crc32(b"x"), 1, 0)])
    assert not open_with("zips", slashed).findings


def test_shared_bytes() -> None:
    member = ("a", "a", b"x" * 100, zlib.crc32(b"x" * 100), 100, 0)
    opened = open_with("zips", archives.zip_of([member, ("b", "a", *member[2:]), ("c", "a", *member[2:])], shared=True))
    assert "archive-overlapping" in opened.found
    assert len(opened.files) == 1


def test_paths() -> None:
    names = {"../up": "archive-path-climbs", "a/../../b": "archive-path-climbs", "..\\w": "archive-path-climbs"}
    names |= {
        "/etc/x": "archive-path-absolute",
        "C:\\x": "archive-path-absolute",
        "\\\\host\\x": "archive-path-absolute",
    }
    for name, finding in names.items():
        assert open_with("zips", archives.plain_zip({name: b"1"})).found == {finding}, name
    for name in ("a/b/../c", "./a", "...", "a..b/c", "a:b"):
        assert not open_with("zips", archives.plain_zip({name: b"1"})).findings, name


def test_through_a_link() -> None:
    def archive(target: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as made:
            info = zipfile.ZipInfo("here")
            info.external_attr = 0o120777 << 16
            made.writestr(info, target)
            made.writestr("here/file", b"x")
        return buffer.getvalue()

    assert open_with("zips", archive(b"../../etc")).found == {"archive-path-through-link"}
    assert open_with("zips", archive(b"/etc")).found == {"archive-path-through-link"}
    assert not open_with("zips", archive(b"there")).findings


def test_a_bomb_costs_little() -> None:
    opened = open_with("zips", archives.zipped({"z": bytes(40 << 20), "a": b"1"}), room=20 << 20)
    assert "too large" in opened.closed["z"]
    assert opened.found == {"archive-bomb"}
    assert opened.short


def test_a_large_archive_is_no_bomb() -> None:
    opened = open_with("zips", archives.zipped({"z": bytes(range(256)) * 400}, zipfile.ZIP_STORED), room=1000)
    assert opened.closed
    assert opened.short
    assert not opened.findings


def test_a_lie_about_the_size_is_not_believed() -> None:
    archive = bytearray(archives.zipped({"z": bytes(4 << 20)}))
    struct.pack_into("<I", archive, 22, 10)
    struct.pack_into("<I", archive, archive.index(b"PK\1\2") + 24, 10)
    assert open_with("zips", bytes(archive), room=1 << 20).found == {"archive-bomb"}


def test_many_members_are_bounded() -> None:
    opened = open_with("zips", archives.plain_zip({f"{number}": b"" for number in range(4_500)}))
    assert len(opened.members) == 4_000
    assert "more than 4,000" in opened.short[0]


@settings(max_examples=150, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=10), cut=st.integers(1, 600))
def test_damage_ends_in_outputs(changes: list[tuple[int, int]], cut: int) -> None:
    broken = bytearray(archives.zipped({"a.txt": b"hello" * 30, "b/c": bytes(range(200))}))[: cut + 4]
    for at, byte in changes:
        broken[at % len(broken)] = byte
    open_with("zips", bytes(broken), kind="zip", room=1 << 20, passwords=["infected"])
