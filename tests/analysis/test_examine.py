"""The tree of what is inside, through the real cage: every unpacker, passwords, bounds."""

from __future__ import annotations

import gzip
import io
import lzma
from collections.abc import Iterator

import py7zr
import pytest
import rars
from backports import zstd

from lazaretto.analysis.assemble import assemble
from lazaretto.analysis.behaviours import load
from lazaretto.analysis.budget import Limits
from lazaretto.analysis.cage.host import Cage
from lazaretto.analysis.discovery import all_engines
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.report import Report
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.analysis.tree import Node
from lazaretto.domain.verdict import Status
from lazaretto.testing import archives, images, microsoft

MEANINGS = load_meanings(default_folder())
ENGINES = [engine for engine in all_engines() if engine.name.startswith("unpack-") or engine.name == "words"]
SCRIPT = b"#!/bin/sh\necho hello\n"
TEXT = "Guten Tag,\ndas Kennwort lautet: Süßholz-77\nGruß\n".encode()


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    with Cage() as made:
        yield made


@pytest.fixture(scope="module")
def examiner(cage: Cage) -> Examiner:
    return Examiner(cage, MEANINGS, engines=ENGINES)


def found(node: Node) -> dict[str, str]:
    """Type of each file and part that was opened, by the last of its names."""
    return {one.path[-1]: one.kind.name for one in node.walk() if one.path and not one.closed}


def evidence(node: Node) -> set[str]:
    return {one.id for inner in node.walk() for one in inner.evidence}


def failed(node: Node) -> list[str]:
    return [f"{one.engine} {one.failed} {one.detail}" for inner in node.walk() for one in inner.looked if one.failed]


def sevenzip(files: dict[str, bytes], password: str) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", password=password, header_encryption=True) as archive:
        for name, data in files.items():
            archive.writestr(data, name)
    return buffer.getvalue()


def rar(files: dict[str, bytes], password: str) -> bytes:
    builder = rars.RarBuilder(password=password)
    for name, data in files.items():
        builder.add_bytes(data, name)
    return bytes(builder.to_bytes())


FILES = {"run.sh": SCRIPT}
ALL: dict[str, bytes] = {
    "a.zip": archives.zipped(FILES),
    "aes.zip": archives.aes_zipped(FILES, "infected"),
    "old.zip": archives.old_locked_zip("run.sh", SCRIPT, "infected"),
    "a.7z": sevenzip(FILES, "infected"),
    "a.rar": rar(FILES, "infected"),
    "a.tar": archives.tarred(FILES),
    "a.tar.gz": gzip.compress(archives.tarred(FILES)),
    "a.tar.xz": lzma.compress(archives.tarred(FILES)),
    "a.tar.zst": zstd.compress(archives.tarred(FILES)),
    "run.sh.lz4": archives.lz4_stored(SCRIPT),
    "run.sh.Z": archives.compress_z(SCRIPT),
    "a.cab": archives.cabinet(FILES),
    "a.cpio": archives.cpio(FILES),
    "a.lzh": archives.lha("run.sh", SCRIPT),
    "a.deb": archives.deb({"./run.sh": SCRIPT}, SCRIPT + b"#"),
    "a.arj": archives.arj("run.sh", SCRIPT),
    "a.ace": archives.ace("run.sh", SCRIPT),
    "a.chm": microsoft.chm({"/run.sh": SCRIPT}),
    "a.wim": microsoft.wim({"run.sh": SCRIPT}),
    "a.dmg": images.dmg(images.hfs(FILES)),
    "a.rpm": archives.rpm(FILES),
    "a.iso": images.iso(FILES),
    "b.iso": images.udf({**FILES, "pad": bytes(4096)}),
    "a.img": images.fat12(FILES),
    "b.img": images.ntfs(FILES),
    "c.img": images.exfat(FILES),
    "a.vhd": images.vhd(images.fat12(FILES)),
    "a.vhdx": images.vhdx(images.fat12(FILES)),
}


@pytest.mark.parametrize("name", ALL)
def test_every_container_opens_in_the_cage(examiner: Examiner, name: str) -> None:
    tree = examiner(ALL[name], name)
    assert not failed(tree)
    assert "shell" in found(tree).values()
    assert len(SCRIPT) in {one.sample.size for one in tree.walk() if one.kind.name == "shell"}


@pytest.mark.parametrize("locked", [archives.aes_zipped, sevenzip, rar])
def test_the_password_is_in_the_text_beside(examiner: Examiner, locked: object) -> None:
    inner = locked({"run.sh": SCRIPT}, "Süßholz-77")  # type: ignore[operator]  # a function
    tree = examiner(archives.zipped({"locked": inner, "read.txt": TEXT}), "a.zip")
    assert not failed(tree)
    assert found(tree)["run.sh"] == "shell"
    assert "archive-password-beside" in evidence(tree)
    alone = examiner(inner, "locked")
    assert "archive-stays-closed" in evidence(alone)


def test_words_reach_no_report(examiner: Examiner) -> None:
    tree = examiner(archives.zipped({"read.txt": TEXT}), "a.zip")
    report = _report(tree)
    assert any(one.indicators for one in tree.walk())
    assert not report.indicators


def _report(tree: Node) -> Report:
    return assemble("a.zip", tree, (), load(default_folder()), MEANINGS)


def test_what_stays_closed_is_not_clean(examiner: Examiner) -> None:
    report = _report(examiner(archives.aes_zipped(FILES, "not to be known"), "a.zip"))
    assert report.status is Status.UNKNOWN
    assert "encrypted" in report.not_done[0]
    assert [one.id for one in report.evidence] == ["archive-stays-closed"]
    assert report.inside[0].closed
    assert _report(examiner(archives.zipped(FILES), "a.zip")).status is Status.CLEAN


def test_nesting_is_bounded(cage: Cage) -> None:
    data = SCRIPT
    for number in range(9):
        data = archives.zipped({f"{number}.zip": data})
    tree = Examiner(cage, MEANINGS, engines=ENGINES, limits=Limits(depth=5))(data, "a.zip")
    assert "archive-too-deep" in evidence(tree)
    assert any("levels deep" in text for one in tree.walk() for text in one.not_done)
    assert max(len(one.path) for one in tree.walk()) == 6


def test_numbers_are_bounded(cage: Cage) -> None:
    tree = Examiner(cage, MEANINGS, engines=ENGINES, limits=Limits(members=5))(
        archives.zipped({f"{number}.txt": b"%d" % number for number in range(20)}), "a.zip"
    )
    assert "archive-too-much" in evidence(tree)
    assert sum(not one.closed for one in tree.walk()) == 6


def test_a_bomb_of_bombs_is_bounded(examiner: Examiner) -> None:
    bombs = archives.zipped({f"{n}.zip": archives.zipped({"z": bytes(20 << 20) + bytes([n])}) for n in range(8)})
    tree = examiner(bombs, "a.zip")
    assert not failed(tree)
    assert "archive-bomb" in evidence(tree)
    assert sum(one.sample.size for one in tree.walk()) < 64 << 20


def test_an_archive_in_itself_ends(examiner: Examiner) -> None:
    tree = examiner(archives.zipped({"a.txt": b"1", "b.txt": b"1"}), "a.zip")
    assert [one.same_as for one in tree.children] == [None, ("a.txt",)]
