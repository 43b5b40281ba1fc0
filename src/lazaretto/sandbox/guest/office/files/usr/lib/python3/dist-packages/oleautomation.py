"""The COM objects that macros ask for, for an office that has no COM.

Basic's CreateObject asks the service com.sun.star.bridge.OleObjectFactory, which only exists on Windows. This one gives
objects that do what a macro wants in terms of this machine: commands are started (programs of /usr/lib/win/bin stand
for those of Windows), requests are made, files are written to drive C below the user's home. Each call is one JSON line
on standard output:

    {"call": {"object": "WScript.Shell", "name": "Run", "arguments": ["..."], "result": "0"}}

Names have no case. A method that is not known here is taken to have worked and to give nothing: a macro goes on as far
as it can.
"""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors
# ruff: noqa: ARG001, ARG002, ARG005, N802, N816, PLC0415, PTH103, PTH105, PTH106, PTH108, PTH110, PTH112, PTH113, PTH116, PTH120, PTH123, PTH202, PTH208, RUF012

import json
import os
import re
import subprocess
import sys
import time
import traceback

import uno
import unohelper
from com.sun.star.container import XEnumeration, XEnumerationAccess
from com.sun.star.document import XDocumentEventListener
from com.sun.star.lang import XMultiServiceFactory, XServiceInfo
from com.sun.star.script import XDefaultMethod, XDefaultProperty, XInvocation
from com.sun.star.uno import Exception as OfficeError

sys.path.insert(0, "/usr/lib/win")
import drive
import vba

_ARGUMENT_MOST = 900
_BODY_MOST = 32 << 20


_WARMING = "/run/office-warming"  # exists until the warm state is saved: what happens then is no sample's doing


def say(thing, name, arguments, result=None):
    """One line for the account, whole lines of at most 4000 characters."""
    if os.path.exists(_WARMING):
        return
    shown = [_shown(one)[:_ARGUMENT_MOST] for one in arguments][:8]
    told = {"object": thing, "name": name, "arguments": shown, "result": _shown(result)[:200]}
    line = json.dumps({"call": told})
    while len(line) > 4000:
        told["arguments"] = shown = [one[: len(one) // 2] for one in shown]
        line = json.dumps({"call": told})
    os.write(1, line.encode() + b"\n")


def pause(seconds):
    """Wait, and say beforehand for how long: an office that does nothing would be taken for done."""
    seconds = min(max(seconds, 0), 3600)
    if not os.path.exists(_WARMING):
        os.write(1, json.dumps({"wait": seconds}).encode() + b"\n")
    time.sleep(seconds)


def _shown(value):
    if value is None:
        return ""
    if isinstance(value, uno.ByteSequence):
        return value.value[:300].hex()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[:300]).hex()
    if isinstance(value, (tuple, list)):
        if value and all(isinstance(one, int) and -129 < one < 256 for one in value[:300]):
            return _bytes(value[:300]).hex()
        return "[" + ", ".join(_shown(one) for one in value[:20]) + "]"
    return str(getattr(value, "NAME", value))


def _bytes(value):
    if isinstance(value, uno.ByteSequence):
        return value.value
    if isinstance(value, (tuple, list)):
        return bytes(int(one) & 0xFF for one in value)
    return str(value if value is not None else "").encode("utf-8", "replace")


# --- objects ---------------------------------------------------------------------------------------------------------


class Automation(unohelper.Base, XInvocation, XDefaultProperty, XDefaultMethod):
    """An object whose methods are `do_name`, its readable properties `get_name`, its plain ones those of VALUES."""

    NAME = "Object"
    VALUES = {}
    DEFAULT = ""
    QUIET = frozenset()  # methods that tell by themselves

    def __init__(self, *_):
        self.values = {name.lower(): value for name, value in self.VALUES.items()}

    # XInvocation
    def getIntrospection(self):
        return None

    def hasMethod(self, name):
        return not self.hasProperty(name)

    def hasProperty(self, name):
        name = name.lower()
        return name in self.values or (hasattr(self, "get_" + name) and not hasattr(self, "do_" + name))

    def invoke(self, name, arguments, _indices, _outs):
        action = getattr(self, "do_" + name.lower(), None)
        result = None
        try:
            if action:
                result = action(*arguments)
        except Exception as error:
            say(self.NAME, name, arguments, "error: " + str(error))
            if not isinstance(error, (OSError, TypeError, ValueError, IndexError, KeyError)):
                traceback.print_exc()
            raise uno.getClass("com.sun.star.reflection.InvocationTargetException")(str(error), self, None) from error
        if name.lower() not in self.QUIET:
            say(self.NAME, name, arguments, result)
        return result, (), ()

    def getValue(self, name):
        name = name.lower()
        reader = getattr(self, "get_" + name, None)
        return reader() if reader else self.values[name]

    def setValue(self, name, value):
        say(self.NAME, name, (value,))
        writer = getattr(self, "set_" + name.lower(), None)
        if writer:
            writer(value)
        self.values[name.lower()] = value

    # XDefaultProperty, XDefaultMethod
    def getDefaultPropertyName(self):
        return self.DEFAULT if self.hasProperty(self.DEFAULT) else ""

    def getDefaultMethodName(self):
        return self.DEFAULT if self.DEFAULT and not self.hasProperty(self.DEFAULT) else ""


class _Walk(unohelper.Base, XEnumeration):
    def __init__(self, items):
        self.items = list(items)

    def hasMoreElements(self):
        return bool(self.items)

    def nextElement(self):
        return self.items.pop(0)


class Collection(Automation, XEnumerationAccess):
    NAME = "Collection"
    DEFAULT = "Item"

    def __init__(self, items, name="Collection"):
        super().__init__()
        self.items, self.NAME = list(items), name

    def get_count(self):
        return len(self.items)

    def do_item(self, key=0):
        if isinstance(key, str):
            return next((one for one in self.items if str(one.values.get("name", "")).lower() == key.lower()), None)
        return self.items[int(key)]

    def createEnumeration(self):
        return _Walk(self.items)

    def hasElements(self):
        return bool(self.items)

    def getElementType(self):
        return uno.getTypeByName("any")


class Record(Automation):
    """A thing with values only."""

    def __init__(self, name, **values):
        self.NAME, self.VALUES = name, values
        super().__init__()


# --- starting programs -----------------------------------------------------------------------------------------------


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
        _write(self.path, b"L\0\0\0" + text.encode("utf-16-le"))


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


def _write(path, content, append=False):
    inside = drive.inside(str(path))
    os.makedirs(os.path.dirname(inside), exist_ok=True)
    with open(inside, "ab" if append else "wb") as file:
        file.write(content)


# --- registry: a file of what was written, over a few values that macros look for ------------------------------------


_REGISTRY = f"{drive.HOME}/.wine/office.reg"
_KNOWN = {
    r"hklm\software\microsoft\windows nt\currentversion\productname": "Windows 10 Pro",
    r"hklm\software\microsoft\windows nt\currentversion\currentbuild": "19045",
    r"hkcu\software\microsoft\office\16.0\word\security\vbawarnings": 1,
}
_HIVES = {"HKEY_CURRENT_USER": "HKCU", "HKEY_LOCAL_MACHINE": "HKLM", "HKEY_CLASSES_ROOT": "HKCR", "HKEY_USERS": "HKU"}


def _key(key):
    hive, _, rest = key.partition("\\")
    return f"{_HIVES.get(hive.upper(), hive.upper())}\\{rest}"


def registry_write(key, value, kind):
    os.makedirs(os.path.dirname(_REGISTRY), exist_ok=True)
    with open(_REGISTRY, "a") as file:
        file.write(json.dumps([_key(key), kind, _shown(value) if value is not None else None]) + "\n")


def registry_read(key):
    value = _KNOWN.get(_key(key).lower())
    if os.path.exists(_REGISTRY):
        with open(_REGISTRY) as file:
            for line in file:
                name, _, written = json.loads(line)
                value = written if name.lower() == _key(key).lower() else value
    if value is None:
        raise KeyError(f"Unable to open registry key {key!r} for reading.")
    return value


# --- requests --------------------------------------------------------------------------------------------------------


class Request(Automation):
    """XMLHTTP, ServerXMLHTTP and WinHttpRequest: the request is made at once, whether asynchronous or not."""

    NAME = "MSXML2.XMLHTTP"
    VALUES = {
        "ReadyState": 0,
        "Status": 0,
        "StatusText": "",
        "ResponseText": "",
        "OnReadyStateChange": None,
        "Option": 0,
    }

    def __init__(self, name):
        super().__init__()
        self.NAME = name
        self.headers, self.answered, self.body = {}, {}, b""

    def do_open(self, method, url, *_):
        self.method, self.url = str(method).upper(), str(url)

    def do_setrequestheader(self, name, value):
        self.headers[str(name)] = str(value)

    def do_send(self, body=None):
        import urllib.error
        import urllib.request

        data = _bytes(body) if body not in (None, "") else (b"" if self.method == "POST" else None)
        headers = {"User-Agent": "Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)", **self.headers}
        request = urllib.request.Request(self.url, data, headers, method=self.method)
        try:
            answer = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.body = answer.read(_BODY_MOST)
            self.answered = dict(answer.headers.items())
            self.values |= {"readystate": 4, "status": int(answer.status), "statustext": str(answer.reason)}
        self.values["responsetext"] = self.body.decode("utf-8", "replace")

    def get_responsebody(self):
        return uno.ByteSequence(self.body)

    def get_responsestream(self):
        return uno.ByteSequence(self.body)

    def do_getresponseheader(self, name):
        return next((value for key, value in self.answered.items() if key.lower() == str(name).lower()), "")

    def do_getallresponseheaders(self):
        return "".join(f"{key}: {value}\r\n" for key, value in self.answered.items())

    def do_waitforresponse(self, *_):
        return True


class Explorer(Automation):
    NAME = "InternetExplorer.Application"
    VALUES = {"Visible": False, "Busy": False, "ReadyState": 4, "LocationURL": "", "Silent": True}

    def do_navigate(self, url, *_):
        request = Request("InternetExplorer.Application")
        request.do_open("GET", url)
        request.do_send()
        self.values["locationurl"] = str(url)
        self.text = request.values["responsetext"]

    do_navigate2 = do_navigate

    def get_document(self):
        text = getattr(self, "text", "")
        body = Record("HTMLBody", innerHTML=text, innerText=re.sub(r"<[^>]+>", "", text))
        return Record("HTMLDocument", body=body, documentElement=body)


# --- files -----------------------------------------------------------------------------------------------------------


class Stream(Automation):
    NAME = "ADODB.Stream"
    VALUES = {"Type": 2, "Mode": 0, "Charset": "unicode", "LineSeparator": -1}

    def __init__(self, *_):
        super().__init__()
        self.content, self.position = b"", 0

    def _charset(self):
        name = str(self.values["charset"]).lower()
        return {"unicode": "utf-16", "_autodetect": "utf-8"}.get(name, name)

    def do_write(self, data):
        data = _bytes(data)
        self.content = self.content[: self.position] + data + self.content[self.position + len(data) :]
        self.position += len(data)

    def do_writetext(self, text, *_):
        self.do_write(uno.ByteSequence(str(text).encode(self._charset(), "replace")))

    def do_read(self, count=-1):
        end = len(self.content) if count < 0 else self.position + int(count)
        data, self.position = self.content[self.position : end], end
        return uno.ByteSequence(data)

    def do_readtext(self, *_):
        return self.content[self.position :].decode(self._charset(), "replace")

    def do_loadfromfile(self, path):
        with open(drive.inside(str(path)), "rb") as file:
            self.content, self.position = file.read(_BODY_MOST), 0

    def do_savetofile(self, path, _how=1):
        _write(path, self.content)

    def get_position(self):
        return self.position

    def set_position(self, value):
        self.position = int(value)

    def get_size(self):
        return len(self.content)

    def get_eos(self):
        return self.position >= len(self.content)


class TextStream(Automation):
    NAME = "TextStream"

    def __init__(self, path, mode="r", encoding="utf-8", text=None):
        super().__init__()
        self.path, self.mode, self.encoding = path, mode, encoding
        self.text, self.at = text if text is not None else "", 0
        if path is not None and mode == "r":
            with open(path, encoding=encoding, errors="replace", newline="") as file:
                self.text = file.read(_BODY_MOST)
        elif path is not None:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, mode):
                pass

    def do_write(self, text=""):
        with open(self.path, "a", encoding=self.encoding, errors="replace", newline="") as file:
            file.write(str(text))

    def do_writeline(self, text=""):
        self.do_write(str(text) + "\r\n")

    def do_writeblanklines(self, count=1):
        self.do_write("\r\n" * int(count))

    def do_readall(self):
        rest, self.at = self.text[self.at :], len(self.text)
        return rest

    def do_readline(self):
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        line, self.at = self.text[self.at : end].rstrip("\r"), end + 1
        return line

    def get_atendofstream(self):
        return self.at >= len(self.text)


class FileSystem(Automation):
    NAME = "Scripting.FileSystemObject"

    def do_fileexists(self, path):
        return os.path.isfile(drive.inside(str(path)))

    def do_folderexists(self, path):
        return os.path.isdir(drive.inside(str(path)))

    def do_driveexists(self, name):
        return str(name)[:1].upper() == "C"

    def do_createtextfile(self, path, _overwrite=True, wide=False):
        return TextStream(drive.inside(str(path)), "w", "utf-16" if wide else "cp1252")

    def do_opentextfile(self, path, how=1, _create=False, *_):
        return TextStream(drive.inside(str(path)), {2: "w", 8: "a"}.get(int(how), "r"), "cp1252")

    def do_getspecialfolder(self, number):
        names = {0: "C:\\Windows", 1: "C:\\Windows\\System32", 2: drive.variable("TEMP")}
        return Folder(names.get(int(number), "C:\\"))

    def do_gettempname(self):
        return f"rad{os.urandom(3).hex().upper()[:5]}.tmp"

    def do_buildpath(self, folder, name):
        return str(folder).rstrip("\\") + "\\" + str(name)

    def do_getfilename(self, path):
        return re.split(r"[\\/]", str(path))[-1]

    def do_getbasename(self, path):
        return self.do_getfilename(path).rsplit(".", 1)[0]

    def do_getextensionname(self, path):
        return self.do_getfilename(path).rpartition(".")[2]

    def do_getparentfoldername(self, path):
        return re.split(r"[\\/][^\\/]*$", str(path))[0]

    def do_getabsolutepathname(self, path):
        return str(path)

    def do_createfolder(self, path):
        os.makedirs(drive.inside(str(path)), exist_ok=True)
        return Folder(str(path))

    def do_deletefile(self, path, *_):
        os.unlink(drive.inside(str(path)))

    def do_deletefolder(self, path, *_):
        import shutil

        shutil.rmtree(drive.inside(str(path)))

    def do_copyfile(self, source, to, *_):
        with open(drive.inside(str(source)), "rb") as file:
            _write(to, file.read(_BODY_MOST))

    def do_movefile(self, source, to):
        os.replace(drive.inside(str(source)), drive.inside(str(to)))

    def do_getfile(self, path):
        inside = drive.inside(str(path))
        return File(str(path), os.stat(inside).st_size)

    def do_getfolder(self, path):
        return Folder(str(path))

    def do_getdrive(self, _name="C:"):
        return Record("Drive", DriveLetter="C", DriveType=2, FreeSpace=128849018880, TotalSize=499500736512,
                      SerialNumber=1488571394, IsReady=True, FileSystem="NTFS", VolumeName="")  # fmt: skip

    def get_drives(self):
        return Collection((self.do_getdrive(),), "Drives")


class File(Automation):
    NAME = "File"
    DEFAULT = "Path"
    VALUES = {"Attributes": 32}

    def __init__(self, path, size):
        super().__init__()
        self.path = path
        self.values |= {"path": path, "name": path.split("\\")[-1], "size": size, "type": "File"}

    def do_delete(self, *_):
        os.unlink(drive.inside(self.path))

    def do_copy(self, to, *_):
        FileSystem().do_copyfile(self.path, to)

    def do_openastextstream(self, how=1, *_):
        return FileSystem().do_opentextfile(self.path, how)


class Folder(Automation):
    NAME = "Folder"
    DEFAULT = "Path"

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.values |= {"path": path, "name": path.split("\\")[-1], "title": path.split("\\")[-1]}

    def _names(self, test):
        inside = drive.inside(self.path)
        try:
            return sorted(name for name in os.listdir(inside) if test(f"{inside}/{name}"))
        except OSError:
            return []

    def get_files(self):
        return Collection((File(f"{self.path}\\{name}", 1024) for name in self._names(os.path.isfile)), "Files")

    def get_subfolders(self):
        return Collection((Folder(f"{self.path}\\{name}") for name in self._names(os.path.isdir)), "Folders")

    def get_self(self):
        return Record("FolderItem", Path=self.path, Name=self.values["name"])

    def do_items(self):
        return self.get_files()

    def do_copyhere(self, what, *_):
        return None


class Document(Automation):
    """MSXML2.DOMDocument, used to decode base64, and to load stylesheets with script."""

    NAME = "MSXML2.DOMDocument"
    VALUES = {"async": False, "ValidateOnParse": False}

    def do_createelement(self, _name):
        return Element()

    def do_load(self, url):
        if re.match(r"(?i)https?://", str(url)):
            request = Request(self.NAME)
            request.do_open("GET", url)
            request.do_send()
        return True

    def do_loadxml(self, _text):
        return True


class Element(Automation):
    NAME = "IXMLDOMElement"
    VALUES = {"DataType": "", "Text": "", "NodeName": "b64"}

    def get_nodetypedvalue(self):
        import base64
        import binascii

        text = re.sub(r"\s", "", str(self.values["text"]))
        try:
            if str(self.values["datatype"]).lower() == "bin.hex":
                return uno.ByteSequence(bytes.fromhex(text))
            return uno.ByteSequence(base64.b64decode(text + "=="))
        except (ValueError, binascii.Error):
            return uno.ByteSequence(b"")

    def set_nodetypedvalue(self, value):
        import base64

        self.values["text"] = base64.b64encode(_bytes(value)).decode()

    def hasProperty(self, name):
        return name.lower() == "nodetypedvalue" or super().hasProperty(name)


class Dictionary(Automation):
    NAME = "Scripting.Dictionary"
    DEFAULT = "Item"
    VALUES = {"CompareMode": 0}

    def __init__(self, *_):
        super().__init__()
        self.content = {}

    def do_add(self, key, value):
        self.content[key] = value

    def do_item(self, key):
        return self.content.get(key)

    def do_exists(self, key):
        return key in self.content

    def do_remove(self, key):
        self.content.pop(key, None)

    def do_removeall(self):
        self.content.clear()

    def do_keys(self):
        return tuple(self.content)

    def do_items(self):
        return tuple(self.content.values())

    def get_count(self):
        return len(self.content)


class Network(Automation):
    NAME = "WScript.Network"
    VALUES = {
        "ComputerName": drive.variable("COMPUTERNAME"),
        "UserName": drive.USER,
        "UserDomain": drive.variable("USERDOMAIN"),
    }


# --- Windows Management Instrumentation ------------------------------------------------------------------------------


class Management(Automation):
    NAME = "SWbemServices"
    VALUES = {"Security_": None}

    def do_get(self, path="", *_):
        return ManagementClass(str(path))

    def do_execquery(self, query, *_):
        return Collection(_answers(str(query)), "SWbemObjectSet")

    def do_instancesof(self, name, *_):
        return Collection(_answers(f"from {name}"), "SWbemObjectSet")

    def do_execmethod(self, path, method, *_):
        return ManagementClass(str(path))

    def do_connectserver(self, *_):
        return self


class ManagementClass(Automation):
    NAME = "SWbemObject"
    VALUES = {"ShowWindow": 0, "Priority": 0}

    def __init__(self, path):
        super().__init__()
        self.NAME = path or "SWbemObject"

    def do_create(self, line, *_):
        start(line)
        return 0

    def do_spawninstance_(self, *_):
        return ManagementClass(self.NAME)

    def do_methods_(self, *_):
        return self

    def do_inparameters(self, *_):
        return self


def _answers(query):
    found = re.search(r"(?i)from\s+(\w+)", query)
    table = found[1].lower() if found else ""
    facts = {
        "win32_operatingsystem": {"Caption": "Microsoft Windows 10 Pro", "Version": "10.0.19045",
        "OSArchitecture": "64-bit",
                                  "BuildNumber": "19045", "SerialNumber": "00330-80000-00000-AA123"},
        "win32_computersystem": {"Manufacturer": "Dell Inc.", "Model": "OptiPlex 7060",
        "Name": drive.variable("COMPUTERNAME"),
                                 "TotalPhysicalMemory": "17025011712", "Domain": "WORKGROUP", "UserName": drive.USER,
                                 "PartOfDomain": False},
        "win32_bios": {"Manufacturer": "Dell Inc.", "SerialNumber": "7HX2LT2", "SMBIOSBIOSVersion": "1.21.0"},
        "win32_processor": {"Name": ("Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz"), "NumberOfCores": 6,
        "ProcessorId": "BFEBFBFF000906EA"},
        "win32_diskdrive": {"Model": "Samsung SSD 860 EVO 500GB", "Size": "500105249280"},
        "win32_logicaldisk": {"DeviceID": "C:", "Size": "499500736512", "FreeSpace": "128849018880"},
        "win32_videocontroller": {"Name": "Intel(R) UHD Graphics 630"},
        "win32_baseboard": {"Manufacturer": "Dell Inc.", "Product": "0C96W1"},
    }  # fmt: skip
    if table == "win32_process":
        names = ("explorer.exe", "svchost.exe", "OUTLOOK.EXE", "chrome.exe", "WINWORD.EXE")
        return [
            Record("Win32_Process", Name=name, ProcessId=1200 + 4 * n, Caption=name) for n, name in enumerate(names)
        ]
    return [Record(table, **facts[table])] if table in facts else []


# --- what the translated source of a macro calls (vba.py) ------------------------------------------------------------


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
        return _bytes(data).decode("latin-1")

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
            _write(arguments[2], request.body)
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


# --- the office's own programs, asked for by name --------------------------------------------------------------------


class OtherOffice(Automation):
    """Excel from Word and the like, Outlook: values that macros set, everything else is recorded."""

    NAME = "Office.Application"
    VALUES = {"Visible": False, "DisplayAlerts": False, "AutomationSecurity": 1, "Name": "Microsoft", "Version": "16.0",
              "EnableEvents": True}  # fmt: skip

    def __init__(self, name):
        super().__init__()
        self.NAME = name

    def do_run(self, *_):
        return None

    def do_createitem(self, *_):
        return MailItem()

    def do_getnamespace(self, *_):
        return self

    def do_executeexcel4macro(self, text):
        return 0

    def do_ddeinitiate(self, application, topic=""):
        start(f"{application}.exe {topic}")
        return 1

    def do_document(self):
        return self

    def do_executeshellcommand(self, program, _folder="", arguments="", *_):
        start(f'"{program}" {arguments}')


class MailItem(Automation):
    NAME = "Outlook.MailItem"
    VALUES = {"To": "", "CC": "", "Subject": "", "Body": "", "HTMLBody": "", "DeleteAfterSubmit": False}

    def do_send(self):
        say(self.NAME, "Message", [self.values["to"], self.values["subject"], self.values["body"]])

    def get_attachments(self):
        return Record("Outlook.Attachments", Count=0)

    def get_recipients(self):
        return Record("Outlook.Recipients", Count=0)


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


class Factory(unohelper.Base, XMultiServiceFactory, XServiceInfo):
    """com.sun.star.bridge.OleObjectFactory."""

    def __init__(self, context):
        self.context = context

    def createInstance(self, name):
        made = create(name)
        if not isinstance(made, Windows):
            say("VBA", "CreateObject", (name,))
        return made

    def createInstanceWithArguments(self, name, _arguments):
        return self.createInstance(name)

    def getAvailableServiceNames(self):
        return ()

    def getImplementationName(self):
        return "com.sun.star.comp.ole.OleClient"

    def supportsService(self, name):
        return name in self.getSupportedServiceNames()

    def getSupportedServiceNames(self):
        return ("com.sun.star.bridge.OleObjectFactory", "com.sun.star.bridge.oleautomation.Factory")


# --- macros that nobody starts ---------------------------------------------------------------------------------------

_OPENERS = ("document_open", "autoopen", "auto_open", "autoexec", "document_new", "autonew", "main_autoopen")
_CLOSERS = ("document_close", "autoclose", "auto_close", "autoexit", "document_beforeclose")
# Events of controls on the page that come by themselves when the page is shown or the mouse passes.
_SHOWN = re.compile(
    r"_(layout|painted|gotfocus|resize|mousemove|mouseenter|change|activate|click|dropbuttonclick)$", re.IGNORECASE
)
_SUB = re.compile(r"(?im)^\s*(?:public\s+|private\s+|static\s+)*(?:sub|function)\s+([A-Za-z_]\w*)\s*(?:\(([^)]*)\))?")


class Starter(unohelper.Base, XDocumentEventListener, XServiceInfo):
    """Starts the macros of Word documents as Word does; this office does it by itself for spreadsheets only."""

    def __init__(self, context):
        broadcaster = context.getValueByName("/singletons/com.sun.star.frame.theGlobalEventBroadcaster")
        broadcaster.addDocumentEventListener(self)
        Starter.kept = self

    def documentEventOccured(self, event):
        if event.EventName not in {"OnLoadFinished", "OnLoad"}:
            return
        document = event.Source
        if not hasattr(document, "BasicLibraries"):
            return
        foreign = document.BasicLibraries.VBACompatibilityMode
        if event.EventName == "OnLoadFinished":
            self._translate(document.BasicLibraries, vba.translate if foreign else vba.translate_basic)
        elif foreign and document.supportsService("com.sun.star.text.TextDocument"):
            self._start(document)

    def _translate(self, libraries, translate):
        for library in libraries.ElementNames:
            try:
                if not libraries.isLibraryLoaded(library):
                    libraries.loadLibrary(library)
                modules = libraries.getByName(library)
                for module in modules.ElementNames:
                    source = modules.getByName(module)
                    changed = translate(source)
                    if changed != source:
                        modules.replaceByName(module, changed)
            except (ValueError, IndexError, RecursionError, OfficeError):  # as it is, then: a library may be locked
                continue

    def _start(self, document):
        found = list(_macros(document.BasicLibraries))
        wanted = [one for name in _OPENERS for one in found if one[2].lower() == name]
        wanted = wanted or [one for one in found if one[2].lower() in _CLOSERS or one[1].lower() in _OPENERS]
        wanted = wanted or [one for one in found if _SHOWN.search(one[2])][:4]
        for library, module, name in wanted:
            url = f"vnd.sun.star.script:{library}.{module}.{name}?language=Basic&location=document"
            say("Macro", "Start", (f"{module}.{name}",))
            try:
                document.getScriptProvider().getScript(url).invoke((), (), ())
            except Exception as error:
                say("Macro", "Error", (f"{module}.{name}", str(error)))

    def disposing(self, _event):
        return None

    def getImplementationName(self):
        return "org.openoffice.MacroStarter"

    def supportsService(self, name):
        return name in self.getSupportedServiceNames()

    def getSupportedServiceNames(self):
        return ("org.openoffice.MacroStarter",)


def _macros(libraries):
    """(library, module, name) of each macro without arguments."""
    for library in libraries.ElementNames:
        modules = libraries.getByName(library)
        for module in modules.ElementNames:
            for found in _SUB.finditer(modules.getByName(module)):
                if not (found[2] or "").strip() or _SHOWN.search(found[1]):
                    yield library, module, found[1]


g_ImplementationHelper = unohelper.ImplementationHelper()
g_ImplementationHelper.addImplementation(
    Factory, "com.sun.star.comp.ole.OleClient",
    ("com.sun.star.bridge.OleObjectFactory", "com.sun.star.bridge.oleautomation.Factory"),
)  # fmt: skip
g_ImplementationHelper.addImplementation(Starter, "org.openoffice.MacroStarter", ("org.openoffice.MacroStarter",))
