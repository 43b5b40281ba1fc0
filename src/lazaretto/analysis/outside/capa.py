"""capa, which names what a program is able to do from its code. Heavy: seconds to minutes a program, so it is off
unless somebody sets it up with its rules.

It parses the sample, so it is shut in like the cage's warden: its own namespaces, no network, nothing but its
libraries to read, an empty place to write, bounded memory, time and output. What is read of its answer is its result
document (capa.render.result_document, `--json`).
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import msgspec

from lazaretto.analysis.cage.host import WARDEN_UID, sheet
from lazaretto.analysis.engine import Fact, Finding, Output, Subject, short
from lazaretto.analysis.outside.outside import Answer, NoAnswer, Outside
from lazaretto.analysis.settings import CapaSettings

_PROGRAMS = {"pe-exe", "pe-dll", "pe-driver", "pe-dotnet", "elf-exe", "elf-so"}
_MOST_OUTPUT = 32 << 20  # bytes
_MOST_TOLD = 200


def engine(settings: CapaSettings) -> Outside:
    """As set up, or as absent."""
    return Outside(
        name="capa",
        version="1",
        wants=lambda kind: kind.name in _PROGRAMS,
        sees="what a program's code is able to do, where capa and its rules are set up",
        ask=partial(_ask, settings) if settings.command else None,
    )


class _Attack(msgspec.Struct, frozen=True):
    id: str = ""


class _About(msgspec.Struct, frozen=True):
    """What a rule says of itself."""

    name: str
    namespace: str | None = None
    lib: bool = False
    attack: tuple[_Attack, ...] = ()


class _Rule(msgspec.Struct, frozen=True):
    meta: _About


class _Meta(msgspec.Struct, frozen=True):
    version: str = ""


class _Document(msgspec.Struct, frozen=True):
    """What is read of a result document."""

    rules: dict[str, _Rule]
    meta: _Meta = _Meta()


_document = msgspec.json.Decoder(_Document)

# By the first words of a rule's namespace: what having the ability says. Most of what programs can do says nothing.
_TELLING = {
    "anti-analysis/": "capa-against-analysis",
    "host-interaction/process/inject": "capa-injection",
    "collection/keylog": "capa-keyboard",
    "collection/screenshot": "capa-screen",
    "collection/browser": "capa-stored-passwords",
    "collection/password": "capa-stored-passwords",
    "impact/": "capa-impact",
    "persistence/": "capa-persistence",
}


def _ask(settings: CapaSettings, subject: Subject) -> Answer:
    try:
        said = _document.decode(_run(settings, subject.data))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoAnswer(f"its answer is not understood: {error}") from error
    able = sorted(
        (rule.meta for rule in said.rules.values() if not rule.meta.lib),
        key=lambda about: (about.namespace or "", about.name),
    )
    return Answer(tuple(_said(able)), f"capa {said.meta.version}".strip())


def _said(able: list[_About]) -> Iterator[Output]:
    if not able:
        return
    yield Fact(name="capa.able", value=tuple(short(about.name, 100) for about in able[:_MOST_TOLD]))
    techniques = sorted({attack.id for about in able for attack in about.attack if attack.id})
    yield Fact(name="capa.techniques", value=tuple(techniques[:_MOST_TOLD]))
    for about in able[:_MOST_TOLD]:
        for prefix, finding in _TELLING.items():
            if (about.namespace or "").startswith(prefix):
                yield Finding(id=finding, detail=about.name)


def _run(settings: CapaSettings, data: bytes) -> bytes:
    command = shutil.which(settings.command)
    if command is None or shutil.which("bwrap") is None:
        raise NoAnswer(f"{settings.command} is not there" if command is None else "bwrap is not installed")
    with sheet(data) as sample, tempfile.TemporaryFile() as out:
        os.lseek(sample, 0, os.SEEK_SET)
        process = subprocess.Popen(
            [*_confined(settings, command, sample), *_arguments(settings, command)],
            pass_fds=[sample],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=partial(_bound, settings),  # noqa: PLW1509  only setrlimit
        )
        try:
            code = process.wait(settings.seconds)
        except subprocess.TimeoutExpired:
            raise NoAnswer(f"it took more than {settings.seconds:g} seconds") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with bwrap goes all that is in its namespace
            process.wait()
        return _read(out, code)


def _read(out: IO[bytes], code: int) -> bytes:
    out.seek(0)
    data = out.read(_MOST_OUTPUT)
    if code or not data:
        raise NoAnswer(f"it ended with {code}")
    return data


def _bound(settings: CapaSettings) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (settings.memory, settings.memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_OUTPUT, _MOST_OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _arguments(settings: CapaSettings, command: str) -> list[str]:
    words = [command, "--json", "--quiet"]
    if settings.rules:
        words += ["--rules", settings.rules]
    if settings.signatures:
        words += ["--signatures", settings.signatures]
    return [*words, "/tmp/sample"]  # noqa: S108  a private, empty one


def _confined(settings: CapaSettings, command: str, sample: int) -> list[str]:
    root = os.geteuid() == 0
    home = Path(command).resolve().parent
    places = [str(Path(command).parent), str(home.parent if home.name == "bin" else home)]
    places += [place for place in (settings.rules, settings.signatures) if place]
    words = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    if root:
        words += ["--unshare-user", "--uid", str(WARDEN_UID), "--gid", str(WARDEN_UID)]
    words += ["--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev"]  # noqa: S108  in its own room
    for path in ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache"):
        if Path(path).is_symlink():
            words += ["--symlink", str(Path(path).readlink()), path]
        elif Path(path).exists():
            words += ["--ro-bind", path, path]
    for place in dict.fromkeys(places):
        if not place.startswith("/usr/"):
            words += ["--ro-bind", place, place]
    words += ["--ro-bind-data", str(sample), "/tmp/sample", "--chdir", "/tmp"]  # noqa: S108  in its own room
    words += ["--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp", "--setenv", "LC_ALL", "C.UTF-8"]  # noqa: S108
    return [*words, "--"]
