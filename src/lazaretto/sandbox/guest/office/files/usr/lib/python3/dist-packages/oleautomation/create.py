"""Objects by the name that CreateObject is given."""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors

import re

from .files import FileSystem, Stream
from .management import Management, ManagementClass
from .others import Dictionary, Network, OtherOffice
from .shell import Shell, ShellApplication
from .statements import Windows
from .web import Document, Explorer, Request

_CLASSES = {
    "wscript.shell": Shell, "shell": Shell, "shell.application": ShellApplication, "wscript.network": Network,
    "scripting.filesystemobject": FileSystem, "scripting.dictionary": Dictionary, "adodb.stream": Stream,
    "office:windows": Windows, "internetexplorer.application": Explorer, "wbemscripting.swbemlocator": Management,
}  # fmt: skip
_REQUESTS = re.compile(r"xmlhttp|winhttp|serverxmlhttp", re.IGNORECASE)
# Class identifiers by which macros avoid the names above.
_IDENTIFIERS = {
    "72c24dd5-d70a-438b-8a42-98424b88afb8": "wscript.shell",
    "13709620-c279-11ce-a49e-444553540000": "shell.application",
    "9ba05972-f6a8-11cf-a442-00a0c90a8f39": "shell.application",
    "c08afd90-f2a1-11d1-8455-00a0c91f3880": "shell.application",
    "0d43fe01-f093-11cf-8940-00a0c9054228": "scripting.filesystemobject",
    "f935dc22-1cf0-11d0-adb9-00c04fd58a0b": "wscript.shell",
}  # fmt: skip


def create(name):
    """The object of a program's name ("WScript.Shell.1"), a moniker ("winmgmts:...", "new:{...}"), or None."""
    key = str(name).strip().lower()
    if found := re.match(r"(?:new:|clsid:)?\{?([0-9a-f-]{36})\}?$", key):
        key = _IDENTIFIERS.get(found[1], key)
    key = re.sub(r"\.\d+(\.\d+)?$", "", key)
    if key.startswith("winmgmts:"):
        _, _, path = key.rpartition(":")
        return ManagementClass(str(name).rpartition(":")[2]) if path.startswith("win32_") else Management()
    if key in _CLASSES:
        return _CLASSES[key]()
    if _REQUESTS.search(key):
        return Request(str(name))
    if "domdocument" in key or key == "microsoft.xmldom":
        return Document()
    if key.startswith("script:"):  # a scriptlet from somewhere else
        request = Request("script")
        request.do_open("GET", str(name)[len("script:") :])
        request.do_send()
        return OtherOffice("Scriptlet")
    return OtherOffice(str(name))
