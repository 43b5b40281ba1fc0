"""Installers and packages written byte by byte: what went in comes out."""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
import marshal
import random
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import lief
import pytest

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engine import Engine
from lazaretto.analysis.identify import identify
from lazaretto.analysis.programs import bzip2
from lazaretto.analysis.unpackers import inno as inno_unpacker
from lazaretto.analysis.unpackers import nsis as nsis_unpacker
from lazaretto.analysis.unpackers import pyinstaller as pyinstaller_unpacker
from lazaretto.analysis.unpackers import self_extracting
from lazaretto.testing.installers import inno, nsis, pyinstaller
from lazaretto.testing.linux_files import elf
from lazaretto.testing.looked import look
from lazaretto.testing.windows_files import pe

lief.logging.disable()
PLAIN = {"kernel32.dll": ["ExitProcess"]}
INNER = pe(imports=PLAIN)
FILES = {"$INSTDIR\\a.exe": INNER, "$TEMP\\sub\\b.txt": b"hello\n", "$INSTDIR\\c.txt": b"x" * 5_000}
SCRIPT = marshal.dumps(compile("print(1)", "a", "exec"))


def zipped(**members: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


# --- NSIS -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("wide_texts", [False, True])
@pytest.mark.parametrize(
    ("method", "solid"), [("zlib", False), ("zlib", True), ("lzma", False), ("lzma", True), ("stored", False)]
)
def test_nsis_gives_its_files_with_their_folders(method: str, solid: bool, wide_texts: bool, wide: bool) -> None:
    files = {path.replace("$INSTDIR", "C:\\a").replace("$TEMP", "C:\\t"): data for path, data in FILES.items()}
    seen = look(
        nsis_unpacker.ENGINE, nsis(files, method=method, solid=solid, wide_texts=wide_texts, wide=wide), "a.exe"
    )
    assert {name: one.data for name, one in seen.members.items() if one.relation == "member"} == files
    assert seen.shortfalls == []
    texts = next(one for one in seen.members.values() if one.relation == "decoded")
    assert b"C:\\t\\sub" in texts.data


@pytest.mark.skipif(shutil.which("makensis") is None, reason="makensis is not installed")
@pytest.mark.parametrize("method", ["zlib", "/SOLID zlib", "lzma", "/SOLID lzma", "bzip2", "/SOLID bzip2"])
def test_nsis_as_its_own_compiler_makes_it(method: str, tmp_path: Path) -> None:
    (tmp_path / "a.exe").write_bytes(INNER)
    lines = ["Unicode true", f"SetCompressor {method}", 'OutFile "o.exe"', 'InstallDir "$TEMP"', "Section",
             "SetOutPath $INSTDIR\\x", "File a.exe", "SectionEnd"]  # fmt: skip
    script = "\n".join(lines)
    (tmp_path / "s.nsi").write_text(script)
    subprocess.run(["makensis", "-V1", "s.nsi"], cwd=tmp_path, check=True)
    seen = look(nsis_unpacker.ENGINE, (tmp_path / "o.exe").read_bytes(), "o.exe")
    assert {name: one.data for name, one in seen.members.items() if one.relation == "member"} == {
        "$INSTDIR\\x\\a.exe": INNER
    }


def test_nsis_that_cannot_be_opened_says_so() -> None:
    data = nsis(FILES, method="lzma", solid=True)
    at = data.find(b"NullsoftInst") + 20
    seen = look(nsis_unpacker.ENGINE, data[: at + 200] + bytes(900), "a.exe")
    assert seen.shortfalls or any(one.closed for one in seen.members.values())
    bzip = data[:at] + b"\x31\x05\x00" + bytes(500)
    assert "damaged" in look(nsis_unpacker.ENGINE, bzip, "a.exe").shortfalls[0]


def bare_bzip2(data: bytes) -> bytes:
    """One block of the usual kind without its marks, check sums and the bit for random ones."""
    bits = "".join(f"{byte:08b}" for byte in bz2.compress(data)[4:])
    end = bits.rindex(f"{0x177245385090:048b}")
    bare = f"{0x31:08b}{bits[48 + 32 + 1 : end]}{0x17:08b}"
    bare += "0" * (-len(bare) % 8)
    return int(bare, 2).to_bytes(len(bare) // 8, "big")


@pytest.mark.parametrize(
    "data", [INNER, b"a", b"abc" * 9000, bytes(70_000), b"aaaa\0aaaaab" * 50, bytes(range(256)) * 40]
)
def test_bzip2_without_marks(data: bytes) -> None:
    assert bzip2.unpacked(bare_bzip2(data), 1 << 20) == data
    assert bzip2.unpacked(bare_bzip2(data), 100) == data[:100]


def test_broken_bzip2_ends() -> None:
    chance = random.Random(7)
    whole = bare_bzip2(b"some words and some more words " * 20)
    for _ in range(400):
        broken = bytearray(whole[: chance.randrange(4, len(whole) + 1)])
        for _ in range(chance.randrange(4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        with contextlib.suppress(bzip2.Broken):
            assert len(bzip2.unpacked(bytes(broken), 1 << 20)) <= 1 << 20


# --- Inno Setup -----------------------------------------------------------------------------------------------------


def test_inno_gives_texts_and_programs() -> None:
    other = pe(imports=PLAIN, library=True)
    seen = look(
        inno_unpacker.ENGINE, inno(["{app}\\a.exe", "http://a.example/"], [b"readme", INNER, b"..", other]), "a.exe"
    )
    assert seen.facts["installer"] == "Inno Setup 6.2.0"
    assert [one.data for one in seen.members.values() if one.relation == "member"] == [INNER, other]
    parts = b"".join(one.data for one in seen.members.values() if one.relation == "decoded")
    assert b"http://a.example/" in parts
    assert b"readme" in parts
    assert seen.shortfalls == []


def test_inno_that_cannot_be_opened_says_so() -> None:
    seen = look(inno_unpacker.ENGINE, inno(["a text"], [INNER], readable=False), "a.exe")
    assert seen.shortfalls
    assert any(one.closed for one in seen.members.values())


def test_inno_s_own_programs_are_no_installers() -> None:
    assert (
        look(inno_unpacker.ENGINE, pe(imports=PLAIN, resources=[("10", "1", b"Inno Setup Setup Data (6")]), "a").outputs
        == []
    )


# --- PyInstaller ----------------------------------------------------------------------------------------------------


def test_pyinstaller_gives_scripts_modules_and_files() -> None:
    data = pyinstaller({"main": SCRIPT, "pyi_rth_x": SCRIPT}, {"mine.inner": SCRIPT, "json": SCRIPT}, {"a.exe": INNER})
    seen = look(pyinstaller_unpacker.ENGINE, data, "a.exe")
    assert seen.members.keys() == {"main.pyc", "mine.inner.pyc", "a.exe"}
    assert seen.members["a.exe"].data == INNER
    assert seen.members["main.pyc"].data[16:] == SCRIPT
    assert identify(seen.members["main.pyc"].data, "main.pyc").name == "python-compiled"
    assert seen.members["mine.inner.pyc"].data == seen.members["main.pyc"].data
    assert seen.facts["Python modules"] == ("mine.inner",)
    assert seen.shortfalls == []


def test_pyinstaller_with_encrypted_modules_says_so() -> None:
    seen = look(pyinstaller_unpacker.ENGINE, pyinstaller({}, {"mine": b"\x99" * 40}, {}, encrypted=True), "a.exe")
    assert seen.members["modules"].closed.startswith("encrypted")


def test_pyinstaller_with_a_damaged_table_says_so() -> None:
    data = bytearray(pyinstaller({"main": SCRIPT}, {}, {}))
    at = data.rfind(b"MEI")
    struct.pack_into(">I", data, at + 12, 0x7FFFFFFF)
    assert look(pyinstaller_unpacker.ENGINE, bytes(data), "a.exe").shortfalls


# --- archives behind programs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [INNER, elf(), INNER + b';!@Install@!UTF-8!\nTitle="a"\n;!@InstallEnd@!'])
@pytest.mark.parametrize("absolute", [False, True])
def test_zip_behind_a_program(start: bytes, absolute: bool) -> None:
    archive = zipped(a=INNER, b=b"text" * 99)
    whole = start + archive
    if absolute:  # as tools do that count from the file's begin
        data = io.BytesIO(start)
        data.seek(0, io.SEEK_END)
        with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as made:
            made.writestr("a", INNER)
            made.writestr("b", b"text" * 99)
        whole = data.getvalue()
    seen = look(self_extracting.ENGINE, whole, "a.exe")
    (part,) = seen.members.values()
    assert part.relation == "overlay"
    with zipfile.ZipFile(io.BytesIO(part.data)) as found:
        assert part.data[:4] == b"PK\x03\x04"
        assert found.testzip() is None
        assert found.infolist()[0].header_offset == 0
        assert found.read("a") == INNER


@pytest.mark.parametrize(
    ("mark", "kind"),
    [(b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07\x01\0", "rar"), (b"MSCF\0\0\0\0", "cab"), (b"\xfd7zXZ\0", "xz")],
)
def test_other_archives_behind_a_program(mark: bytes, kind: str) -> None:
    archive = mark + b"content" * 20
    (part,) = look(self_extracting.ENGINE, INNER + archive, "a.exe").members.values()
    assert (part.name, part.data) == (f"archive behind the program.{kind}", archive)


def test_archives_among_resources() -> None:
    cabinet, archive = b"MSCF\0\0\0\0" + b"c" * 90, zipped(a=b"1")
    data = pe(imports=PLAIN, resources=[("10", "CABINET", cabinet), ("10", "7", archive), ("10", "8", b"nothing" * 30)])
    seen = look(self_extracting.ENGINE, data, "a.exe")
    assert [(one.relation, one.data) for one in seen.members.values()] == [("resource", cabinet), ("resource", archive)]


def test_nothing_behind_gives_nothing() -> None:
    assert look(self_extracting.ENGINE, INNER, "a.exe").outputs == []
    assert look(self_extracting.ENGINE, INNER + b"configuration " * 20, "a.exe").outputs == []
    assert look(self_extracting.ENGINE, nsis(FILES), "a.exe").outputs == []


# --- all ------------------------------------------------------------------------------------------------------------

ALL: list[tuple[Engine, bytes]] = [
    (nsis_unpacker.ENGINE, nsis(FILES)),
    (nsis_unpacker.ENGINE, nsis(FILES, method="lzma", solid=True)),
    (inno_unpacker.ENGINE, inno(["a text"], [INNER])),
    (pyinstaller_unpacker.ENGINE, pyinstaller({"main": SCRIPT}, {"mine": SCRIPT}, {"a.exe": INNER})),
    (self_extracting.ENGINE, INNER + zipped(a=INNER)),
]


@pytest.mark.parametrize(("engine", "data"), ALL, ids=lambda value: value.name if isinstance(value, Engine) else "")
def test_damaged_files_end_in_outputs(engine: Engine, data: bytes) -> None:
    source = random.Random(11)
    start = len(INNER) - 0x200
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(source.randrange(1, 12)):
            place = source.randrange(start, len(broken)) if source.random() < 0.8 else source.randrange(len(broken))
            broken[place] = source.choice([0, 0xFF, 0x80, source.randrange(256)])
        if source.random() < 0.2:
            del broken[source.randrange(len(broken)) :]
        look(engine, bytes(broken), "a.exe")


@pytest.mark.parametrize("engine", [nsis_unpacker.ENGINE, inno_unpacker.ENGINE, pyinstaller_unpacker.ENGINE])
def test_what_there_is_no_room_for_stays_closed(engine: Engine) -> None:
    data = next(made for one, made in ALL if one is engine)
    seen = look(engine, data, "a.exe", {"room": 500})
    assert any("more inside" in one.closed for one in seen.members.values())


@pytest.mark.parametrize(("engine", "data"), ALL, ids=lambda value: value.name if isinstance(value, Engine) else "")
def test_they_run_in_the_cage(engine: Engine, data: bytes) -> None:
    with Cage(at_once=1) as cage, sheet(data) as fd:
        done = cage.run(engine, fd, name="a.exe", kind=identify(data, "a.exe"))
    assert done.failed == "", done.detail
    assert list(done.outputs) == look(engine, data, "a.exe").outputs
    assert done.outputs


@pytest.mark.slow
def test_a_bomb_is_bounded() -> None:
    """A hundred megabytes of zeros in a few kilobytes."""
    packed = lzma.compress(bytes(100 << 20), lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 23}])
    header = struct.pack("<I", 4) + b"\0\0\0\0"
    first = struct.pack("<II12sII", 0, 0xDEADBEEF, b"NullsoftInst", 4, 28 + 5 + len(packed))
    assert header
    look(nsis_unpacker.ENGINE, pe(imports=PLAIN, overlay=first + b"\x5d\0\0\x80\0" + packed), "a.exe")
