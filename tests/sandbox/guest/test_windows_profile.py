"""What the parts of the Windows guest must agree on; nothing here needs a machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from lazaretto.sandbox.image import recipe
from lazaretto.sandbox.machine.hardware import Disguise
from lazaretto.sandbox.persona import make_person

FOLDER = recipe.GUEST / "windows"
PROFILE = tomllib.loads((FOLDER / "profile.toml").read_text())
SOURCES = FOLDER / "src"
REGISTRY = sorted((FOLDER / "registry").glob("*.reg"))


def text(path: str) -> str:
    return (FOLDER / path).read_text()


def test_user_and_computer_are_the_persona() -> None:
    person = make_person(PROFILE["persona"]["seed"])
    session = PROFILE["session"]
    assert (session["user"], session["hostname"]) == (person.user, person.host)
    assert session["home"] == f"/home/{person.user}"
    assert all(f"/home/{person.user}/" in folder for folder in PROFILE["watch"]["schedules"])


def test_the_computer_is_the_one_of_its_firmware() -> None:
    machine = Disguise()
    devices = text("registry/13-devices.reg")
    assert f'"SystemProductName"="{machine.product}"' in devices
    assert f'"BIOSReleaseDate"="{machine.bios_date}"' in devices
    launcher = text("src/launcher.c")
    assert all(f'L"{name}"' in launcher for name in (machine.vendor, machine.product, machine.bios, machine.board))
    management = text("src/standins/processes.c")
    assert all(name in management for name in (machine.cpu, machine.serial, machine.product, machine.board))
    assert machine.product in text("src/standins/system.c")


def test_setup_reads_the_names_that_the_session_has() -> None:
    # setup.sh takes the first line that begins with `user = "` or `hostname = "`
    lines = text("profile.toml").splitlines()
    for name in ("user", "hostname"):
        first = next(line for line in lines if line.startswith(f'{name} = "'))
        assert first == f'{name} = "{PROFILE["session"][name]}"'


def test_each_way_is_one_that_the_launcher_knows() -> None:
    known = set(re.findall(r'\{"(\w+)", run_\w+\}', text("src/launcher.c")))
    for kind, how in PROFILE["run"].items():
        word, way, path = how["line"].split("\t")
        assert (word, path) == ("run", "{path}"), kind
        assert way in known, kind
        assert how["through"] == "launcher"


def test_every_file_type_of_this_profile_can_be_started() -> None:
    from lazaretto.analysis.formats.types import TYPES  # noqa: PLC0415 - another room: only this test looks at it

    wanted = {kind.launch for kind in TYPES.values() if kind.profile == "windows"}
    assert wanted <= set(PROFILE["run"])


def test_standins_are_installed_and_named() -> None:
    table = set(re.findall(r'\{L"([\w-]+)", \w+\}', text("src/standins/standin.c")))
    furnish = text("furnish.sh").replace("\\\n", " ")
    loop = next(line for line in furnish.splitlines() if line.startswith("for name in vssadmin"))
    installed = set(loop.removeprefix("for name in ").split(";")[0].split())
    installed |= set(re.findall(r"^replace standin (\S+)", furnish, re.MULTILINE))
    installed |= set(re.findall(r'^program standin "[^"]+" (\S+)', furnish, re.MULTILINE))
    assert installed <= table
    assert set(PROFILE["manifest"]["standins"].values()) <= installed


def test_one_security_identifier() -> None:
    sid = PROFILE["manifest"]["user_sid"]
    found = re.search(r"new_sid\[24\] = \{([^}]*)\}", text("src/repaint.c"))
    assert found
    data = bytes(int(number, 0) for number in found[1].replace("\n", " ").split(","))
    parts = [int.from_bytes(data[at : at + 4], "little") for at in range(8, 24, 4)]
    assert sid == "S-1-5-" + "-".join(map(str, parts)) + "-1001"
    assert f'"{sid}"' in text("src/standins/accounts.c")


def test_traced_calls_are_listed_once() -> None:
    lines = [line for line in text("relay.txt").splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9_]+\.[A-Za-z0-9_]+", line) for line in lines)
    assert len(lines) == len(set(lines))
    assert len(lines) < 2048  # MAX_RELAY of repaint.c
    # Called thousands of times without meaning: they would drown the rest.
    assert not {"kernelbase.GetTickCount", "kernelbase.QueryPerformanceCounter", "kernelbase.GetProcAddress"} & set(
        lines
    )


def test_replacements_keep_their_length() -> None:
    table = text("src/repaint.c").split("} texts[] = {", 1)[1].split("\n};", 1)[0]
    table = re.sub(r"/\*.*?\*/", "", table, flags=re.DOTALL)
    pairs = re.findall(r'\{"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)"\}', table)
    assert len(pairs) > 10
    for old, new in pairs:
        assert len(old.replace("\\\\", "\\")) == len(new.replace("\\\\", "\\")), old


def test_the_new_mark_is_no_usual_stub() -> None:
    """Wine knows its own files by 17 bytes; programs of any linker must not have them."""
    from_c = re.search(r'new_stub\[64\] =\s*"(.*?)"\s*"(.*?)";', text("src/repaint.c"), re.DOTALL)
    assert from_c
    start = from_c[1].encode().decode("unicode_escape").encode("latin-1")
    assert len(start) == 17
    assert start[16] == 0
    usual = bytes.fromhex("0e1fba0e00b409cd21b8014ccd21") + b"Th"
    assert start[:16] != usual
    assert start[3] == 17  # where the text begins behind the code


@pytest.mark.parametrize("path", REGISTRY, ids=lambda path: path.name)
def test_registry_files_are_well_formed(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0] == "Windows Registry Editor Version 5.00"
    key = ""
    for line in lines[1:]:
        if line.startswith("["):
            assert line.endswith("]")
            assert line.startswith(("[HKEY_LOCAL_MACHINE\\", "[HKEY_CURRENT_USER\\"))
            key = line
            if path.name.endswith("-both.reg"):
                assert key.startswith("[HKEY_LOCAL_MACHINE\\Software\\"), "only Software has two views"
        elif line and not line.startswith(";"):
            assert key
            assert re.fullmatch(
                r'(@|"(?:[^"\\]|\\.)+")=("(?:[^"\\]|\\.)*"|dword:[0-9a-f]{8}|hex(\(\d\))?:[0-9a-f,]+)', line
            ), line


def test_nothing_in_the_registry_says_wine() -> None:
    for path in REGISTRY:
        for line in path.read_text().splitlines():
            assert (
                line.startswith(";") or "wine" not in line.replace("winemenubuilder", "").lower() or "winex11" in line
            )
