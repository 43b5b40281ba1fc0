"""The same acts under other names: what changes, what stays, and that one name always becomes the same other one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazaretto.analysis.behaviours.disguise import Disguise, disguised
from lazaretto.analysis.behaviours.rehearse import trace_of


def changed(event: dict[str, Any], platform: str = "windows", fixed: tuple[str, ...] = ()) -> Any:
    trace, sample = trace_of([event], platform)
    return Disguise(fixed).trace(trace, sample)[0].events[0]


@pytest.mark.parametrize(
    ("path", "other"),
    [
        (r"C:\Users\Anna\AppData\tool.exe", r"c:\uSERS\hUUH\aPPdATA\AVVS.EXE"),
        (r"C:\Windows\Fonts\a1.tar.gz", r"c:\wINDOWS\fONTS\H4.TAR.GZ"),
        (r"C:\Users\Public\x", r"c:\uSERS\pUBLIC\E"),
    ],
)
def test_paths_of_windows(path: str, other: str) -> None:
    assert changed({"kind": "file.write", "path": path}).path == other


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("/home/anna/.cache/tool", "/home/huuh/.cache/avvs"),
        ("/root/.bashrc", "/root/.ihzoyj"),
        ("/tmp/a.b.c", "/tmp/h.b.c"),
        ("/tmp/dir/", "/tmp/dir/"),
    ],
)
def test_paths_of_linux(path: str, other: str) -> None:
    assert changed({"kind": "file.write", "path": path}, "linux").path == other


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("sh -c /tmp/tool", "zo  -c  /tmp/avvs"),
        ("curl -o x http://a.example/get.sh", "jbys  -o  x  http://h.example/nla.sh"),
        ("scp /home/anna/a there:/tmp/b", "zjw  /home/huuh/h  aolyl:/tmp/i"),
        ("tool --out=/tmp/a", "avvs  --vba=/tmp/h"),
    ],
)
def test_command_lines_of_linux(line: str, other: str) -> None:
    event = {"kind": "process.start", "process": 2, "parent": 1, "image": "/bin/x", "command_line": line}
    assert changed(event, "linux").command_line == other


def test_quoted_paths_keep_their_spaces() -> None:
    event = {"kind": "process.start", "process": 2, "parent": 1, "image": "C:\\x.exe"}
    line = r'"C:\Program Files\Tool\run.exe" /q "C:\My Files\a b.txt"'
    assert changed({**event, "command_line": line}).command_line.casefold() == (
        r'"c:\program files\tool\ybu.exe"  /q  "c:\my files\h i.txt"'
    )


def test_hosts() -> None:
    assert changed({"kind": "net.dns", "name": "www.shop.example"}).name == "ddd.zovw.example"
    assert changed({"kind": "net.connect", "protocol": "tcp", "address": "203.0.113.9"}).address == "203.0.113.12"
    url = changed({"kind": "net.http", "method": "GET", "url": "https://a.example:81/p/get.exe"}).url
    assert url == "https://h.example:81/w/nla.exe"


def test_what_is_fixed_stays() -> None:
    event = {"kind": "file.write", "path": "/etc/crontab"}
    assert changed(event, "linux").path == "/etc/jyvuahi"
    assert changed(event, "linux", ("crontab",)).path == "/etc/crontab"
    assert changed(event, "linux", ("/etc/cron*",)).path == "/etc/crontab"


def test_words_of_the_observers_stay() -> None:
    event = {"kind": "autostart", "mechanism": "run-key", "location": r"HKCU\...\Run\Tool", "command": "tool.exe"}
    assert changed(event).mechanism == "run-key"
    assert changed({"kind": "file.attribute", "path": "/a", "name": "immutable"}, "linux").name == "immutable"
    assert changed({"kind": "syscall", "name": "prctl", "arguments": [4]}, "linux").name == "prctl"
    assert changed({"kind": "file.write", "path": "/a", "head": "MZ"}, "linux").head == b"MZ"


def test_the_sample_keeps_being_the_sample() -> None:
    trace, sample = trace_of([{"kind": "file.delete", "path": "/home/anna/Downloads/sample"}], "linux")
    other, facts = disguised(trace, sample, {})
    assert facts.name == "zhtwsl"
    assert other.events[0].path == other.processes[1].image == "/home/huuh/Downloads/zhtwsl"  # type: ignore[union-attr]  # it has a path


@given(st.text("abcXYZ019._-/ ", min_size=1, max_size=30), st.text("abcXYZ019._-/ ", min_size=1, max_size=30))
def test_different_names_stay_different(one: str, other: str) -> None:
    first, second = (changed({"kind": "file.write", "path": f"/d/{name}"}, "linux").path for name in (one, other))
    assert (first == second) is (one == other)


@given(st.text(max_size=60), st.sampled_from(["windows", "linux", "office"]))
def test_nothing_breaks_it(text: str, platform: str) -> None:
    event = {"kind": "process.start", "process": 2, "parent": 1, "image": text or "x", "command_line": text}
    assert changed(event, platform) is not None
