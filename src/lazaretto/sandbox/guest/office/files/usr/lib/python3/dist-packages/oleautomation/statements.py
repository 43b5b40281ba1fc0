"""What the translated source of a macro calls (vba.py)."""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors
# ruff: noqa: ARG002, PLC0415, PTH103, PTH106, PTH108, PTH110, PTH112, PTH120, PTH202, PTH208

import os
import re

import drive

from .files import FileSystem, write_file
from .objects import Automation, bytes_of, pause, say
from .shell import ShellApplication, start
from .web import Request

_MEMORY = 0x1F0A0000000
_RESULTS = {  # of library functions; all else gives 1
    "virtualalloc": "memory", "virtualallocex": "memory", "heapalloc": "memory", "heapcreate": "memory",
    "globalalloc": "memory",
    "localalloc": "memory", "getcurrentprocess": -1, "urldownloadtofile": 0, "shellexecute": 42, "winexec": 33,
    "getlasterror": 0, "gettickcount": "ticks", "ntallocatevirtualmemory": 0, "zwallocatevirtualmemory": 0,
    "ntwritevirtualmemory": 0, "zwwritevirtualmemory": 0, "isdebuggerpresent": 0, "findwindow": 0,
    "waitforsingleobject": 0,
}  # fmt: skip


class Windows(Automation):
    NAME = "VBA"
    QUIET = frozenset({"library", "path", "fresh", "text", "controls"})

    def do_shell(self, line):
        return start(line).pid

    def do_msgbox(self, text, buttons=0, title=""):
        """The box itself is the office's; here it is only told of."""

    def do_wait(self, seconds):
        pause(float(seconds))

    def do_environ(self, name):
        if isinstance(name, (int, float)):
            names = sorted(drive.VARIABLES)
            return (
                "=".join((names[int(name) - 1], drive.VARIABLES[names[int(name) - 1]]))
                if 0 < name <= len(names)
                else ""
            )
        return drive.variable(str(name))

    def do_path(self, path):
        inside = drive.inside(str(path))
        os.makedirs(os.path.dirname(inside), exist_ok=True)
        return inside

    def do_fresh(self, path):
        """The file of this path, empty: what it held is gone, as when VBA opens it for output."""
        inside = self.do_path(path)
        if os.path.exists(inside):
            os.truncate(inside, 0)
        return inside

    def do_text(self, data):
        return bytes_of(data).decode("latin-1")

    def do_controls(self, text):
        """Where the characters are that code page 1252 does not have, and VBA makes of bytes and writes as such."""
        return tuple(found.start() for found in re.finditer("[\x80-\x9f]", str(text)))

    def do_dir(self, path):
        import fnmatch

        if path:
            folder, _, pattern = drive.inside(str(path)).rpartition("/")
            names = os.listdir(folder) if os.path.isdir(folder) else []
            Windows.listing = sorted(one for one in names if fnmatch.fnmatch(one.lower(), pattern.lower() or "*"))
        listing = getattr(Windows, "listing", [])
        return listing.pop(0) if listing else ""

    def do_filelen(self, path):
        return os.path.getsize(drive.inside(str(path)))

    def do_kill(self, path):
        os.unlink(drive.inside(str(path)))

    def do_mkdir(self, path):
        os.makedirs(drive.inside(str(path)), exist_ok=True)

    def do_rmdir(self, path):
        os.rmdir(drive.inside(str(path)))

    def do_filecopy(self, source, to):
        FileSystem().do_copyfile(source, to)

    def do_setattr(self, path, value):
        return None

    def do_library(self, library, function, *arguments):
        """A function of a Windows library: the few with an effect that can be had, a plausible number from the
        others."""
        name = re.sub(r"(?<=[a-z])[AW]$", "", str(function))
        say(str(library).lower().removesuffix(".dll"), name, arguments)
        key = name.lower()
        if key == "urldownloadtofile" and len(arguments) > 2:
            request = Request("urlmon")
            request.do_open("GET", arguments[1])
            request.do_send()
            write_file(arguments[2], request.body)
        elif key in {"shellexecute", "shellexecuteex"} and len(arguments) > 3:
            ShellApplication().do_shellexecute(arguments[2], arguments[3])
        elif key in {"winexec", "system"}:
            start(arguments[0])
        elif key in {"createprocess", "createprocessasuser"} and len(arguments) > 1:
            start(arguments[1] or f'"{arguments[0]}"')
        elif key in {"sleep", "sleepex"}:
            pause(float(arguments[0]) / 1000)
        result = _RESULTS.get(key, 1)
        if result == "memory":
            Windows.allocated = getattr(Windows, "allocated", 0) + 0x10000
            return _MEMORY + Windows.allocated
        return 273_840_000 if result == "ticks" else result
