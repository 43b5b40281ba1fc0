import io
import json
import sqlite3
import struct
import tomllib
import xml.etree.ElementTree as ElementTree
import zipfile
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lazaretto.sandbox.persona import (
    Item,
    Kind,
    canaries_from_json,
    canaries_to_json,
    linux_items,
    make_person,
    windows_items,
    write_linux,
    write_windows,
)

NOW = datetime(2025, 11, 20, 10, 0, tzinfo=UTC)
PERSON = make_person("a seed")
GUEST = Path(__file__).parents[3] / "src/lazaretto/sandbox/guest"


@pytest.fixture(scope="module")
def linux() -> dict[str, Item]:
    return {item.path: item for item in linux_items(PERSON, NOW)}


@pytest.fixture(scope="module")
def windows() -> dict[str, Item]:
    return {item.path: item for item in windows_items(PERSON, NOW)}


def test_the_same_seed_gives_the_same_bytes(linux: dict[str, Item], windows: dict[str, Item]) -> None:
    again = make_person("a seed")
    assert again == PERSON
    assert {item.path: item for item in linux_items(again, NOW)} == linux
    assert {item.path: item for item in windows_items(again, NOW)} == windows


def test_another_seed_is_somebody_else() -> None:
    assert make_person("another seed") != PERSON


def test_a_home_has_many_files_of_modest_size(linux: dict[str, Item]) -> None:
    own = [
        item for item in linux.values() if item.path.split("/")[0] in {"Documents", "Desktop", "Downloads", "Pictures"}
    ]
    assert 40 <= len(own) <= 80
    assert 200_000 < sum(len(item.content) for item in own) < 2_000_000


def test_every_kind_of_canary_is_there(linux: dict[str, Item], windows: dict[str, Item]) -> None:
    assert {item.kind for item in linux.values() if item.kind} == set(Kind)
    assert {item.kind for item in windows.values() if item.kind} == set(Kind)


def test_office_documents_are_packages_of_well_formed_parts(linux: dict[str, Item]) -> None:
    found = [item for item in linux.values() if item.path.endswith((".docx", ".xlsx", ".pptx"))]
    assert len(found) > 15
    for item in found:
        with zipfile.ZipFile(io.BytesIO(item.content)) as package:
            names = set(package.namelist())
            for name in names:
                root = ElementTree.fromstring(package.read(name))
                if name == "[Content_Types].xml":
                    assert {one.attrib["PartName"][1:] for one in root if "PartName" in one.attrib} <= names


def test_pdf_tables_point_at_their_objects(linux: dict[str, Item]) -> None:
    for item in (item for item in linux.values() if item.path.endswith(".pdf")):
        start = int(item.content.rsplit(b"startxref\n", 1)[1].split()[0])
        lines = item.content[start:].split(b"\n")
        for number, line in enumerate(lines[3 : 2 + int(lines[1].split()[1])], 1):
            assert item.content[int(line[:10]) :].startswith(b"%d 0 obj" % number)


def test_pictures_are_what_their_names_say(linux: dict[str, Item]) -> None:
    pictures = [item for item in linux.values() if item.kind is Kind.PICTURE]
    for item in pictures:
        if item.path.endswith(".png"):
            at = item.content.index(b"IDAT")
            (length,) = struct.unpack_from(">I", item.content, at - 4)
            assert zlib.decompress(item.content[at + 4 : at + 4 + length])
        else:
            assert item.content.startswith(b"\xff\xd8\xff\xe0") and item.content.endswith(b"\xff\xd9")
            assert len(item.content) > 8000


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (".config/google-chrome/Default/Login Data", "SELECT origin_url, username_value, password_value FROM logins"),
        (".config/google-chrome/Default/Network/Cookies", "SELECT host_key, name, encrypted_value FROM cookies"),
        (".config/google-chrome/Default/History", "SELECT url, title, visit_count FROM urls"),
        (".config/google-chrome/Default/Web Data", "SELECT name, value, count FROM autofill"),
    ],
)
def test_chrome_databases_answer_what_stealers_ask(linux: dict[str, Item], path: str, query: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(linux[path].content)
    assert len(connection.execute(query).fetchall()) >= 5
    connection.close()


def test_firefox_has_a_profile_with_logins(linux: dict[str, Item]) -> None:
    folder = linux[".mozilla/firefox/profiles.ini"].content.decode().split("Path=")[1].split("\n")[0]
    assert json.loads(linux[f".mozilla/firefox/{folder}/logins.json"].content)["logins"]
    for name in ("key4.db", "places.sqlite", "cookies.sqlite"):
        assert linux[f".mozilla/firefox/{folder}/{name}"].content.startswith(b"SQLite format 3")


def test_files_carry_their_age_and_canaries_their_place(tmp_path: Path) -> None:
    canaries = write_linux(PERSON, NOW, tmp_path, "/home/anna")
    assert canaries_from_json(canaries_to_json(canaries)) == canaries
    ages = []
    for canary in canaries:
        path = tmp_path / canary.path[1:]
        assert path.is_file()
        ages.append(NOW - datetime.fromtimestamp(path.stat().st_mtime, UTC))
    assert min(ages) > timedelta(0)
    assert timedelta(days=300) < max(ages) < timedelta(days=760)
    assert (tmp_path / "home/anna/.ssh/id_ed25519").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "root/.ssh/id_ed25519").read_text() != (tmp_path / "home/anna/.ssh/id_ed25519").read_text()


def test_windows_canaries_have_windows_paths(tmp_path: Path) -> None:
    canaries = write_windows(PERSON, NOW, tmp_path)
    assert all(canary.path.startswith(f"C:\\users\\{PERSON.user}\\") for canary in canaries)
    assert (tmp_path / "AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup").is_dir()
    link = next(tmp_path.glob("AppData/Roaming/Microsoft/Windows/Recent/*.lnk")).read_bytes()
    assert link[:20] == bytes.fromhex("4c0000000114020000000000c000000000000046")


@pytest.mark.parametrize("profile", ["linux", "office", "windows"])
def test_profiles_name_the_person_of_their_seed(profile: str) -> None:
    settings = tomllib.loads((GUEST / profile / "profile.toml").read_text())
    user = settings["session"]["user"]
    assert user in {"root", make_person(settings["persona"]["seed"]).user}
