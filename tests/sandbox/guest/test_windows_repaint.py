"""`repaint` over a library built like Wine's own."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from lazaretto.sandbox.image import recipe

SOURCE = recipe.GUEST / "windows/src/repaint.c"
LIBRARY = r"""
#include <windows.h>
const WCHAR key[] = L"Software\\Wine\\Debug";
const char vendor[] = "Software\\Wine";
const unsigned char sid[] = {1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0,0,0,0, 0,0,0,0, 0,0,0,0, 0xe8, 3, 0, 0};
__declspec(dllexport) const char *wine_get_version(void) { return vendor; }
__declspec(dllexport) const WCHAR *wdummy(void) { return key; }
__declspec(dllexport) const unsigned char *another(void) { return sid; }
BOOL WINAPI DllMain(HINSTANCE i, DWORD r, void *p) { (void)i, (void)r, (void)p; return TRUE; }
"""
RESOURCE = """
1 VERSIONINFO FILEVERSION 6,1,7601,1 PRODUCTVERSION 6,1,7601,1
BEGIN
 BLOCK "StringFileInfo" BEGIN BLOCK "040904b0" BEGIN
  VALUE "CompanyName", "Microsoft Corporation"
  VALUE "FileDescription", "Wine test dll"
  VALUE "FileVersion", "6.1.7601.1"
  VALUE "LegalCopyright", "Copyright (c) 1993-2023 the Wine project authors (see the file AUTHORS for a complete list)"
  VALUE "ProductName", "Wine"
 END END
 BLOCK "VarFileInfo" BEGIN VALUE "Translation", 0x409, 1200 END
END
"""
MARK = b"Wine builtin DLL\0"


def run(*command: str | Path) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module", params=["x86_64", "i686"])
def painted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A library with Wine's mark, before and after."""
    compiler = f"{request.param}-w64-mingw32"
    if not shutil.which(f"{compiler}-gcc") or not shutil.which("gcc"):
        pytest.skip("needs gcc and mingw-w64")
    folder = tmp_path_factory.mktemp("repaint")
    (folder / "a.c").write_text(LIBRARY)
    (folder / "a.rc").write_text(RESOURCE)
    run(f"{compiler}-windres", folder / "a.rc", "-O", "coff", "-o", folder / "a.res")
    tree = folder / "tree"
    tree.mkdir()
    run(f"{compiler}-gcc", "-g", "-shared", "-o", tree / "test.dll", folder / "a.c", folder / "a.res")
    data = bytearray((tree / "test.dll").read_bytes())
    data[0x40 : 0x40 + 32] = MARK.ljust(32, b"\0")
    (tree / "test.dll").write_bytes(data)
    (folder / "relay.txt").write_text("# none\n")
    run("gcc", "-O1", "-o", folder / "repaint", SOURCE)
    said = run(folder / "repaint", folder / "relay.txt", tree)
    assert said.startswith("repaint: 1 files, 1 names")
    return bytes(data), (tree / "test.dll").read_bytes()


def exports(data: bytes) -> list[str]:
    """Names in the order of the export table."""
    header = struct.unpack_from("<I", data, 0x3C)[0]
    optional = header + 24
    wide = struct.unpack_from("<H", data, optional)[0] == 0x20B
    directory = struct.unpack_from("<I", data, optional + (112 if wide else 96))[0]
    sections = optional + struct.unpack_from("<H", data, header + 20)[0]

    def at(address: int) -> int:
        for index in range(struct.unpack_from("<H", data, header + 6)[0]):
            start: int
            size: int
            raw: int
            _, start, size, raw = struct.unpack_from("<4I", data, sections + 40 * index + 8)
            if start <= address < start + size:
                return raw + address - start
        raise AssertionError(address)

    count, _, names = struct.unpack_from("<3I", data, at(directory) + 24)
    found = (at(struct.unpack_from("<I", data, at(names) + 4 * index)[0]) for index in range(count))
    return [data[place : data.index(b"\0", place)].decode() for place in found]


def test_marks_and_names_are_gone(painted: tuple[bytes, bytes]) -> None:
    before, after = painted
    assert "wine_get_version" in exports(before)
    names = exports(after)
    assert names == sorted(names)
    assert set(names) == {"another", "wdummy", "winp_get_version"}
    assert MARK.strip(b"\0") not in after
    assert after[0x40:0x44] == b"\x0e\x1f\xba\x11"
    for text in (b"Software\\Wine", "Software\\Wine".encode("utf-16-le")):
        assert text in before
        assert text not in after
        assert text.replace(b"W", b"D").replace(b"i", b"e").replace(b"n", b"l") != text
    assert b"Software\\Dell" in after


def test_debug_sections_are_cut_and_the_sum_is_right(painted: tuple[bytes, bytes]) -> None:
    before, after = painted
    assert len(after) < len(before)
    header = struct.unpack_from("<I", after, 0x3C)[0]
    stored = struct.unpack_from("<I", after, header + 24 + 64)[0]
    blank = bytearray(after)
    blank[header + 24 + 64 : header + 24 + 68] = bytes(4)
    total = sum(struct.unpack(f"<{len(blank) // 2}H", bytes(blank[: len(blank) // 2 * 2])))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert stored == total + len(after)


def test_version_names_windows(painted: tuple[bytes, bytes]) -> None:
    _, after = painted
    for text in ("Microsoft® Windows® Operating System", "10.0.19041.3636", "Test dll", "All rights reserved."):
        assert text.encode("utf-16-le") in after, text
    assert struct.pack("<4I", 10 << 16, 19041 << 16 | 3636, 10 << 16, 19041 << 16 | 3636) in after
    assert "Wine".encode("utf-16-le") not in after


def test_the_users_identifier_gets_a_machine(painted: tuple[bytes, bytes]) -> None:
    before, after = painted
    start = bytes([1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0])
    old = before.index(start + bytes(12))
    assert start + bytes(12) not in after
    assert struct.unpack_from("<I", after, old + 24)[0] == 1001
