"""The job for the keeper: names that mean the same to every program, and only ways that the profile has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazaretto.domain.detonation import DetonationRequest
from lazaretto.domain.errors import Unsupported
from lazaretto.sandbox.image import recipe
from lazaretto.sandbox.launching import clean_name, job

SETTINGS: dict[str, Any] = {
    "session": {"user": "anna", "home": "/home/anna"},
    "run": {
        "sh": {"argv": ["/bin/sh", "{path}"]},
        "exe": {"through": "launcher", "line": "run\texe\t{path}", "ending": ".exe", "mode": 0o755},
        "doc": {"argv": ["office", "{path}"], "join": "office", "guest_time": 120},
    },
    "watch": {"schedules": ["/etc/cron.d"], "leave_out": ["/run/"]},
}


def request(**more: Any) -> DetonationRequest:
    fields: dict[str, Any] = {
        "path": Path("/x"), "name": "a.sh", "profile": "linux", "launch": "sh", "out": Path("/out"),
    }  # fmt: skip
    return DetonationRequest(**(fields | more))


@given(st.text(max_size=400))
def test_a_name_is_one_harmless_part(name: str) -> None:
    cleaned = clean_name(name)
    assert 0 < len(cleaned) <= 140
    assert cleaned.isascii()
    assert not set(cleaned) & set("/\\\0\n\t'\"`$;&|<>*?!{}[]~#%^:")
    assert cleaned not in {".", ".."}
    assert not cleaned.startswith(("-", "."))
    assert clean_name(cleaned) == cleaned


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("invoice.pdf.exe", "invoice.pdf.exe"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\b.exe", "b.exe"),
        ("..", "sample"),
        ("", "sample"),
        ("-rf", "rf"),
        ("a;rm -rf $HOME.sh", "a_rm -rf _HOME.sh"),
        ("rechnung\u202egpj.exe", "rechnung_gpj.exe"),
        ("x" * 300 + ".exe", "x" * 116 + ".exe"),
    ],
)
def test_names(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


def test_job_of_a_script() -> None:
    made = job(request(guest_time_s=30.0, arguments=("-v",), reboot=True), SETTINGS, now=1000.0)
    assert made["name"] == "a.sh"
    assert made["place"] == "/home/anna/Downloads"
    assert made["run"] == {"argv": ["/bin/sh", "{path}"]}
    assert (made["mode"], made["guest_time"], made["time"], made["reboot"]) == (0o644, 30.0, 1000.0, True)
    assert (made["arguments"], made["schedules"], made["leave_out"]) == (["-v"], ["/etc/cron.d"], ["/run/"])
    assert msgspec.json.decode(msgspec.json.encode(made)) == made


def test_a_program_gets_its_ending() -> None:
    made = job(request(name="sample", launch="exe"), SETTINGS, now=0)
    assert (made["name"], made["mode"]) == ("sample.exe", 0o755)
    assert job(request(name="Sample.EXE", launch="exe"), SETTINGS, now=0)["name"] == "Sample.EXE"


def test_a_document_is_not_watched_for_ever() -> None:
    assert job(request(launch="doc"), SETTINGS, now=0)["guest_time"] == 120
    assert job(request(launch="doc", guest_time_s=5), SETTINGS, now=0)["guest_time"] == 5


def test_a_kind_that_the_profile_does_not_start() -> None:
    with pytest.raises(Unsupported, match="starts no 'sys' files; it starts: doc, exe, sh"):
        job(request(launch="sys"), SETTINGS, now=0)


@pytest.mark.parametrize("profile", recipe.PROFILES)
def test_every_way_of_every_profile_makes_a_job(profile: str) -> None:
    settings = recipe.load(profile).settings
    for launch in settings["run"]:
        made = job(request(profile=profile, launch=launch), settings, now=0)
        assert made["run"], launch
        assert made["place"].startswith("/")
