"""capa in its confinement. In its place stands a shell script that prints a result document of the real form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lazaretto.analysis.cage.host import Outcome
from lazaretto.analysis.engine import Fact, Finding, Subject
from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.outside import capa
from lazaretto.analysis.settings import CapaSettings


def rule(name: str, namespace: str | None, *attack: str, lib: bool = False) -> dict[str, object]:
    about = {"name": name, "lib": lib, "attack": [{"technique": "x", "id": one} for one in attack], "authors": []}
    return {"meta": about | ({"namespace": namespace} if namespace else {}), "source": "", "matches": []}


DOCUMENT = json.dumps(
    {
        "meta": {"version": "10.0.0", "flavor": "static"},
        "rules": {
            "a": rule("inject thread", "host-interaction/process/inject", "T1055.003"),
            "b": rule("reference anti-VM strings", "anti-analysis/anti-vm/vm-detection", "T1497.001"),
            "c": rule("read file", "host-interaction/file-system/read"),
            "d": rule("log keystrokes", "collection/keylog", "T1056.001"),
            "e": rule("capture screenshot", "collection/screenshot", "T1113"),
            "f": rule("steal browser data", "collection/browser", "T1555.003"),
            "g": rule("wipe disk", "impact/wipe-disk", "T1561"),
            "h": rule("persist via Run key", "persistence/registry/run", "T1547.001"),
            "i": rule("helper", None, lib=True),
        },
    }
)
ALL = {
    "capa-injection",
    "capa-against-analysis",
    "capa-keyboard",
    "capa-screen",
    "capa-stored-passwords",
    "capa-impact",
    "capa-persistence",
}


def program(folder: Path, script: str) -> str:
    path = folder / "bin" / "capa"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    folder.chmod(0o755)
    return str(path)


def look(command: str, seconds: float = 20.0) -> Outcome:
    settings = CapaSettings(command=command, seconds=seconds)
    return capa.engine(settings).look(Subject(data=b"MZ the sample", name="a.exe", kind=TYPES["pe-exe"]))


def ids(outcome: Outcome) -> set[str]:
    return {output.id for output in outcome.outputs if isinstance(output, Finding)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for above in (tmp_path, *list(tmp_path.parents)[:2]):
        above.chmod(0o755)  # who runs in the confinement is nobody
    return tmp_path


def test_what_it_is_able_to_do(folder: Path) -> None:
    done = look(program(folder, f"cat <<'END'\n{DOCUMENT}\nEND"))
    assert done.failed == "", done.detail
    assert ids(done) == ALL
    facts = {output.name: output.value for output in done.outputs if isinstance(output, Fact)}
    assert "T1055.003" in facts["capa.techniques"]  # type: ignore[operator]  # a tuple
    assert "helper" not in facts["capa.able"]  # type: ignore[operator]  # a tuple


def test_what_says_nothing(folder: Path) -> None:
    document = json.dumps({"meta": {}, "rules": {"c": rule("read file", "host-interaction/file-system/read")}})
    assert ids(look(program(folder, f"cat <<'END'\n{document}\nEND"))) == set()


def test_it_is_shut_in(folder: Path) -> None:
    """It sees the sample, no network, no home, nothing of the host's that it could write to."""
    script = """
    grep -q "the sample" /tmp/sample || exit 3
    [ "$(ls /sys/class/net 2>/dev/null | grep -v '^lo$')" = "" ] || exit 4
    [ -e /root ] && exit 5
    [ -e /etc/passwd ] && exit 6
    touch /usr/x 2>/dev/null && exit 7
    [ "$(id -u)" = 0 ] && exit 8
    [ "$(ls -d /proc/[0-9]* | wc -l)" -lt 12 ] || exit 9
    echo '{"rules": {}}'
    """
    done = look(program(folder, script))
    assert (done.failed, done.detail) == ("", "")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("sleep 100", "more than 1 seconds"),
        ("exit 14", "ended with 14"),
        ("echo '{'", "not understood"),
        ("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", ""),
    ],
)
def test_no_answer_costs_nothing_else(folder: Path, script: str, told: str) -> None:
    done = look(program(folder, script), seconds=1.0)
    assert (done.outputs, done.failed) == ((), "did not answer")
    assert told in done.detail


def test_absent() -> None:
    assert capa.engine(CapaSettings()).ask is None
    assert look("/nonexistent/capa").failed == "did not answer"
    assert not capa.engine(CapaSettings(command="capa")).wants(TYPES["pdf"])
