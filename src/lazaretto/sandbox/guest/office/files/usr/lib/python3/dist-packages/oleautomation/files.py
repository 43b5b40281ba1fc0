"""Files and folders of drive C, and streams."""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors
# ruff: noqa: ARG002, PLC0415, PTH103, PTH105, PTH108, PTH112, PTH113, PTH116, PTH120, PTH123, PTH208, RUF012

import os
import re

import drive
import uno

from .objects import BODY_MOST, Automation, Collection, Record, bytes_of


def write_file(path, content, append=False):
    inside = drive.inside(str(path))
    os.makedirs(os.path.dirname(inside), exist_ok=True)
    with open(inside, "ab" if append else "wb") as file:
        file.write(content)


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
        data = bytes_of(data)
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
            self.content, self.position = file.read(BODY_MOST), 0

    def do_savetofile(self, path, _how=1):
        write_file(path, self.content)

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
                self.text = file.read(BODY_MOST)
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
            write_file(to, file.read(BODY_MOST))

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
