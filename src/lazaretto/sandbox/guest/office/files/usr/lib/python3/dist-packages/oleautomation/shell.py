"""Programs that are started, and what lies around the shell."""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors
# ruff: noqa: ARG001, ARG005, RUF012

import re
import subprocess

import drive

from .files import Folder, TextStream, write_file
from .objects import Automation, Collection
from .registry import registry_read, registry_write


def start(line, wait=False, show=None, output=None):
    """Start a Windows command line as it would be; raises FileNotFoundError where Windows would not find it."""
    words = drive.split(drive.expand(str(line)))
    found = drive.command(words) if words else None
    if found is None:
        raise FileNotFoundError(f"{words[0] if words else line}: The system cannot find the file specified.")
    child = subprocess.Popen(found[1], executable=found[0], stdin=subprocess.DEVNULL, stdout=output)
    return child.wait() if wait else child


class Shell(Automation):
    NAME = "WScript.Shell"
    VALUES = {"CurrentDirectory": "C:\\Windows\\system32"}

    def do_run(self, line, _style=1, wait=False):
        result = start(line, bool(wait))
        return int(result) if wait else 0

    def do_exec(self, line):
        return Execution(start(line, output=subprocess.PIPE))

    def do_expandenvironmentstrings(self, text):
        return drive.expand(str(text))

    def do_environment(self, _kind="System"):
        return Environment()

    def do_specialfolders(self, name=None):
        return SpecialFolders() if name is None else SpecialFolders().do_item(name)

    def do_regread(self, key):
        return registry_read(str(key))

    def do_regwrite(self, key, value="", kind="REG_SZ"):
        registry_write(str(key), value, kind)

    def do_regdelete(self, key):
        registry_write(str(key), None, "delete")

    def do_popup(self, *_):
        return 1

    def do_createshortcut(self, path):
        return Shortcut(str(path))

    def do_sendkeys(self, *_):
        return None

    def do_appactivate(self, *_):
        return True


class Execution(Automation):
    NAME = "WshScriptExec"

    def __init__(self, child):
        super().__init__()
        self.child = child

    def get_processid(self):
        return self.child.pid

    def get_status(self):
        return 0 if self.child.poll() is None else 1

    def get_exitcode(self):
        return self.child.poll() or 0

    def get_stdout(self):
        return TextStream(None, text=self.child.communicate()[0].decode("utf-8", "replace"))

    get_stderr = get_stdin = lambda self: TextStream(None, text="")

    def do_terminate(self):
        self.child.terminate()


class Environment(Automation):
    NAME = "WshEnvironment"
    DEFAULT = "Item"

    def do_item(self, name):
        return drive.variable(str(name))


class SpecialFolders(Automation):
    NAME = "WshSpecialFolders"
    DEFAULT = "Item"

    def do_item(self, name):
        profile = drive.variable("USERPROFILE")
        menu = drive.variable("APPDATA") + "\\Microsoft\\Windows\\Start Menu"
        folders = {
            "desktop": profile + "\\Desktop", "mydocuments": profile + "\\Documents", "startmenu": menu,
            "startup": menu + "\\Programs\\Startup", "programs": menu + "\\Programs",
            "appdata": drive.variable("APPDATA"),
            "recent": drive.variable("APPDATA") + "\\Microsoft\\Windows\\Recent", "templates": menu + "\\Templates",
            "allusersstartup": "C:\\ProgramData\\Microsoft\\Windows\\Start Menu\\Programs\\Startup",
        }  # fmt: skip
        return folders.get(str(name).lower(), profile)


class Shortcut(Automation):
    NAME = "WshShortcut"
    VALUES = {"TargetPath": "", "Arguments": "", "WorkingDirectory": "", "IconLocation": "", "WindowStyle": 1,
              "Description": "", "Hotkey": ""}  # fmt: skip

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.values["fullname"] = path

    def do_save(self):
        text = "".join(f"{key}={value}\r\n" for key, value in self.values.items())
        write_file(self.path, b"L\0\0\0" + text.encode("utf-16-le"))


class ShellApplication(Automation):
    NAME = "Shell.Application"

    def do_shellexecute(self, file, arguments="", _folder="", _verb="open", _show=1):
        name = str(file)
        if re.match(r"(?i)https?://", name):
            start(f'explorer.exe "{name}"')
        else:
            start(f'"{name}" {arguments or ""}'.strip())

    def do_open(self, file):
        self.do_shellexecute(file)

    def do_namespace(self, folder):
        return Folder(str(folder))

    def do_windows(self):
        return Collection(())
