"""What follows from what was seen: decoys touched, autostart, stand-ins asked, served programs started.

Every derived event names the events it follows from.
"""

from __future__ import annotations

import re
from typing import Any, Final

from lazaretto.domain.trace import (
    Autostart,
    CanaryTouched,
    Cause,
    Event,
    FileWrite,
    ProcessStart,
    Recorder,
    ServiceChange,
    Source,
    StandIn,
    TaskChange,
)
from lazaretto.sandbox.account import missing
from lazaretto.sandbox.account.autostart import registry_mechanism
from lazaretto.sandbox.account.journal import Draft, Journal
from lazaretto.sandbox.account.paths import PathMap, Place
from lazaretto.sandbox.account.processes import Proc, Processes
from lazaretto.sandbox.account.standins import Meaning, interpret
from lazaretto.sandbox.account.text import LONG, clean, split_windows

_MAX: Final = 20_000  # entries of each table
# Programs of Linux that run the files among their arguments.
_RUNS_FILES: Final = re.compile(
    r"(ba|da|z|k|a)?sh|busybox|python[\d.]*|perl[\d.]*|node(js)?|php[\d.]*|ruby[\d.]*|lua[\d.]*|java|(m|g)?awk|expect|tclsh.*"
    r"|ld-linux.*|env|nohup|setsid|sudo|su|xargs|timeout|nice|systemd-run|systemd-executor"
)
_STARTS_BY_ITSELF: Final = frozenset({"auto", "boot", "system", "delayed-auto"})


class Deriver:
    """Told of drafts by the other parts, adds derived drafts to the journal."""

    def __init__(self, processes: Processes, paths: PathMap, journal: Journal) -> None:
        self._processes = processes
        self._paths = paths
        self._journal = journal
        self._scheduled: dict[str, list[Draft]] = {}  # Linux path -> drafts whose `command` is that file's text
        self._once: set[tuple[object, ...]] = set()
        self._written: dict[str, Draft] = {}  # Linux path -> the sample's latest change of it
        self._served_heads: dict[bytes, str] = {}  # first bytes of what was served -> URL
        self._served_hashes: dict[str, str] = {}
        self._places: dict[Draft, list[str]] = {}  # a write -> the paths under which its content lay
        self._ran: dict[Draft, list[str]] = {}  # a start -> the files that it runs
        self._commands: dict[str, Cause] = {}  # what schedulers and the service manager were asked to start

    # --- files --------------------------------------------------------------------------------------------------------

    def file(self, draft: Draft, place: Place, action: str, content: bool = True) -> None:
        """A file was read, written (or put there under this name), deleted or renamed."""
        if draft.proc.bare:
            return
        if action == "write" and draft.ok and len(self._written) < _MAX:
            self._written[place.path] = draft
            if draft.cls is FileWrite:
                self._places[draft] = [place.path]
        if not content:
            return
        if place.canary and self._first("canary", draft.proc.key, place.path, action):
            self._add(CanaryTouched, draft, canary=place.canary, path=place.shown, action=action, ok=draft.ok)
        if action == "write" and place.mechanism:
            self._autostart_file(draft, place, place.mechanism)

    def _autostart_file(self, draft: Draft, place: Place, mechanism: str) -> None:
        head = draft.fields.get("head", b"")
        command = clean(head) if isinstance(head, bytes) else ""
        if not self._first("autostart file", mechanism, place.path):
            return
        made = [self._add(Autostart, draft, mechanism=mechanism, location=place.shown, command=command)]
        if mechanism in ("cron", "at", "task") or place.path.endswith(".timer"):
            made.append(self._add(TaskChange, draft, action="create", name=place.shown, command=command))
        if mechanism == "systemd" and place.path.endswith(".service"):
            name = place.path.rpartition("/")[2]
            made.append(self._add(ServiceChange, draft, action="create", name=name, image=command))
        for draft_made in made:
            draft_made.ok = draft.ok
        self._scheduled.setdefault(place.path, []).extend(made)

    def content(self, path: str, content: bytes) -> None:
        """The whole content of a file as it lies at the end: what schedulers would start is written there."""
        for draft in self._scheduled.get(path, ()):
            draft.fields["image" if draft.cls is ServiceChange else "command"] = clean(content)

    def moved(self, old: str, new: str) -> None:
        """The file at one path lies at another from now on."""
        draft = self._written.pop(old, None)
        if draft is not None:
            self._written[new] = draft
            places = self._places.get(draft)
            if places is not None and len(places) < 16:
                places.append(new)

    def served(self, url: str, sha256: str, head: bytes) -> None:
        """The pretended internet gave out a program or script."""
        if len(self._served_heads) < _MAX:
            if len(head) >= 16:
                self._served_heads[head[:64]] = url
            if sha256:
                self._served_hashes[sha256] = url

    def finish(self) -> None:
        """What was served is known only when the internet's messages are read: look for its copies and their starts."""
        files: dict[str, tuple[str, Draft]] = {}
        for draft, places in self._places.items():
            url = self._served_hashes.get(draft.fields["sha256"]) if "sha256" in draft.fields else None
            url = url or self._served_heads.get(draft.fields["head"])
            if url is not None:
                files |= {place.casefold(): (url, draft) for place in places}
        if files:
            for start in [d for d in self._journal.drafts if d.cls is ProcessStart and not d.hidden]:
                self._recorder(start, files)

    def not_there(self, draft: Draft, argv: list[str], command_line: str) -> None:
        """A program of a system was asked for that the guest does not have (missing.py): what it was to do."""
        program = missing.name(argv[0]).casefold()
        for meaning in interpret(program, argv) or [Meaning(action="")]:
            self._journal.add(
                StandIn, draft.time, draft.proc, Source.DERIVED, thread=draft.thread, because=(draft,), program=program,
                command_line=clean(command_line, LONG // 3), action=meaning.action, detail=clean(meaning.detail,
                LONG // 3),
            )  # fmt: skip

    # --- registry -----------------------------------------------------------------------------------------------------

    def registry(self, draft: Draft, key: str, name: str | None, data: str) -> None:
        mechanism = registry_mechanism(key, name)
        if not mechanism or not draft.ok or (name is not None and not data):
            return
        self.autostart(draft, mechanism, key if name is None else f"{key}\\{name or '(Default)'}", data)

    def autostart(self, draft: Draft, mechanism: str, location: str, command: str) -> None:
        """Something that is started by itself from now on."""
        if draft.ok and self._first("autostart", mechanism, location, command):
            self._add(Autostart, draft, mechanism=mechanism, location=location, command=command)
            self._remember(command, Cause.SERVICE if mechanism == "service" else Cause.TASK)

    # --- services -----------------------------------------------------------------------------------------------------

    def service(self, draft: Draft) -> None:
        """A `service` draft was added."""
        fields = draft.fields
        self._remember(str(fields.get("image", "")), Cause.SERVICE)
        if fields["action"] in ("create", "change") and fields.get("start") in _STARTS_BY_ITSELF:
            self.autostart(draft, "service", str(fields["name"]), str(fields.get("image", "")))

    def _remember(self, command: str, cause: Cause) -> None:
        words = split_windows(command)
        if words and len(words[0]) > 3 and len(self._commands) < _MAX:
            self._commands[words[0].casefold()] = cause
            self._commands[command.casefold()] = cause

    # --- processes ----------------------------------------------------------------------------------------------------

    def started(self, draft: Draft, proc: Proc) -> None:
        """A program was started (or its start is better known by now)."""
        if proc.cause is Cause.MACHINE and not proc.helper:
            self._claim(proc)
        if len(self._ran) < _MAX or draft in self._ran:
            self._ran[draft] = self._candidates(proc)
        place = self._place(proc)
        if not place.program or not self._first("asked", draft.order, proc.command_line):
            return
        argv = split_windows(proc.command_line) if proc.windows else list(proc.argv)
        meanings = interpret(place.program, argv)
        if place.standin and not meanings:
            meanings = [Meaning(action="")]
        for meaning in meanings:
            self._meaning(draft, place, proc, meaning)

    def _meaning(self, draft: Draft, place: Place, proc: Proc, meaning: Meaning) -> None:
        if meaning.script:
            draft.fields["script"] = clean(meaning.script, LONG // 3)
        asked = draft
        if place.standin or meaning.action:  # of a real program it is concluded, of a stand-in it is what was asked
            source = Source.STANDIN if place.standin else Source.DERIVED
            asked = self._journal.add(
                StandIn, draft.time, proc, source, thread=draft.thread, because=(draft,), program=place.program,
                command_line=clean(proc.command_line, LONG // 3), action=meaning.action, detail=clean(meaning.detail,
                LONG // 3),
            )  # fmt: skip
        if meaning.task is not None:
            task = meaning.task
            made = self._add(TaskChange, asked, action=task.action, name=task.name, command=clean(task.command),
                             trigger=task.trigger)  # fmt: skip
            self._remember(task.command, Cause.TASK)
            if task.action == "create" and (place.standin or proc.windows):
                self.autostart(made, "task", task.name, clean(task.command))
        if meaning.service is not None:
            service = meaning.service
            made = self._add(ServiceChange, asked, action=service.action, name=service.name, image=clean(service.image),
                             start=service.start)  # fmt: skip
            self.service(made)

    def is_standin(self, proc: Proc) -> bool:
        """Whether the process runs one of our stand-ins."""
        if "\\" not in proc.image:  # the sample itself was started by its name alone
            return self._paths.of_windows(f"C:\\windows\\system32\\{proc.image}", proc.cwd).standin
        return self._place(proc).standin

    def _place(self, proc: Proc) -> Place:
        if proc.windows:
            return self._paths.of_windows(proc.image, proc.cwd)
        return self._paths.place(proc.machine_image.encode("utf-8", "replace"), False)

    def _candidates(self, proc: Proc) -> list[str]:
        """Linux paths of what the process runs: its image, and the scripts or libraries among its arguments."""
        image = self._place(proc).path
        found = [image]
        if not proc.windows and _RUNS_FILES.fullmatch(image.rpartition("/")[2]) is None:
            return found  # chmod, cat and the like do not run what they are given
        for word in proc.argv[:8]:
            if proc.windows:
                if "\\" in word or "." in word:
                    found.append(self._paths.of_windows(word.strip('"'), proc.cwd).path)
            elif "/" in word or "." in word:
                found.append(self._paths.absolute(clean(word), proc.cwd if proc.cwd.startswith("/") else "/"))
        return found

    def _recorder(self, start: Draft, files: dict[str, tuple[str, Draft]]) -> None:
        for path in self._ran.get(start, ()):
            url, written = files.get(path.casefold(), ("", start))
            if url and written.time <= start.time:
                self._journal.add(
                    Recorder, start.time, start.proc, Source.DERIVED, thread=start.thread, because=(written, start),
                    url=url,
                    path=written.fields["path"],
                )  # fmt: skip
                return

    def _claim(self, proc: Proc) -> None:
        """A process of the machine is the sample's doing if it runs what the sample wrote, or asked to be run."""
        command = proc.command_line.casefold()
        cause = self._commands.get(command) or self._commands.get(proc.image.casefold())
        if cause is None and proc.argv:
            cause = self._commands.get(proc.argv[0].casefold()) or self._commands.get(proc.argv[-1].casefold())
        if cause is None and any(self._by_account(path) for path in self._candidates(proc)):
            cause = Cause.TASK
        if cause is not None:
            self._processes.adopt(proc, cause)

    def _by_account(self, path: str) -> bool:
        draft = self._written.get(path)
        return draft is not None and self._processes.resolve(draft.proc).cause is not Cause.MACHINE

    # --- helpers ------------------------------------------------------------------------------------------------------

    def _first(self, *what: object) -> bool:
        if what in self._once or len(self._once) > _MAX * 5:
            return False
        self._once.add(what)
        return True

    def _add(self, cls: type[Event], reason: Draft, ok: bool = True, **fields: Any) -> Draft:
        return self._journal.add(
            cls, reason.time, reason.proc, Source.DERIVED, thread=reason.thread, because=(reason,), ok=ok, **fields
        )
