"""What Windows programs do to files."""

from __future__ import annotations

import hashlib

import pytest

from lazaretto.domain.trace import Cause

pytestmark = pytest.mark.machine("windows")

FILES = r"""
#include <windows.h>
static void put(const char *path, const char *text)
{
    DWORD n;
    HANDLE f = CreateFileA(path, GENERIC_WRITE, 0, 0, CREATE_ALWAYS, 0, 0);
    WriteFile(f, text, strlen(text), &n, 0);
    CloseHandle(f);
}
int main(void)
{
    char self[MAX_PATH];
    FILETIME old = {0, 0x01c00000};
    GetModuleFileNameA(0, self, MAX_PATH);
    CreateDirectoryA("C:\\ProgramData\\Updater", 0);
    put("C:\\ProgramData\\Updater\\data.bin", "content of the file");
    CopyFileA(self, "C:\\ProgramData\\Updater\\copy.exe", FALSE);
    put("C:\\ProgramData\\Updater\\before.txt", "renamed");
    MoveFileExA("C:\\ProgramData\\Updater\\before.txt", "C:\\ProgramData\\Updater\\after.txt", 0);
    put("C:\\ProgramData\\Updater\\gone.txt", "x");
    DeleteFileA("C:\\ProgramData\\Updater\\gone.txt");
    SetFileAttributesA("C:\\ProgramData\\Updater\\copy.exe", FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM);
    HANDLE f = CreateFileA("C:\\ProgramData\\Updater\\data.bin", FILE_WRITE_ATTRIBUTES, 0, 0, OPEN_EXISTING, 0, 0);
    SetFileTime(f, &old, &old, &old);
    CloseHandle(f);
    CreateFileA("C:\\ProgramData\\Updater\\missing.txt", GENERIC_READ, 0, 0, OPEN_EXISTING, 0, 0);
    CreateDirectoryA("C:\\ProgramData\\Updater\\empty", 0);
    RemoveDirectoryA("C:\\ProgramData\\Updater\\empty");
    return 0;
}
"""


@pytest.fixture(scope="module", params=[64, 32])
def files(request, windows, programs):
    sample = programs.pe(FILES, bits=request.param, name=f"files{request.param}.exe")
    return windows(sample, "exe"), sample


def at(name):
    wanted = rf"C:\ProgramData\Updater\{name}".casefold()
    return lambda path: path.casefold() == wanted


def test_order(files):
    observed, _ = files
    steps = [
        observed.one("file.create", path=lambda path: path.lower().endswith("updater"), directory=True),
        observed.one("file.create", path=at("data.bin")),
        observed.one("file.write", path=at("data.bin")),
        observed.one("file.create", path=at("copy.exe")),
        observed.one("file.rename", path=at("before.txt"), to=at("after.txt")),
        observed.one("file.delete", path=at("gone.txt")),
        observed.one("file.chmod", path=at("copy.exe"), mode=6),
        observed.one("file.time", path=at("data.bin")),
        observed.one("file.missing", path=at("missing.txt")),
        observed.one("file.delete", path=at("empty"), directory=True),
    ]
    assert [step.id for step in steps] == sorted(step.id for step in steps), observed.story()


def test_each_once(files):
    observed, _ = files
    for kind, path in (("file.create", "data.bin"), ("file.rename", "before.txt"), ("file.delete", "gone.txt")):
        assert len(observed.events(kind, path=at(path))) == 1, observed.story()


def test_content_is_brought_home(files):
    observed, sample = files
    write = observed.one("file.write", path=at("data.bin"))
    assert (write.head, write.size) == (b"content of the file", 19)
    assert write.sha256 == hashlib.sha256(b"content of the file").hexdigest()
    assert observed.dropped(r"C:\ProgramData\Updater\copy.exe") == sample.read_bytes()
    assert observed.dropped(r"C:\ProgramData\Updater\after.txt") == b"renamed"
    copy = observed.one("file.write", path=at("copy.exe"))
    assert copy.sha256 == hashlib.sha256(sample.read_bytes()).hexdigest()


def test_machine_keeps_its_own_files(files):
    """Wine's registry files, its server's lock and caches of fonts are not what a sample left behind."""
    observed, _ = files
    names = {artifact.name for artifact in observed.artifacts("dropped")}
    assert all("\\ProgramData\\Updater\\" in name or "\\Downloads\\" in name for name in names), names


STEALS = r"""
#include <windows.h>
#include <stdio.h>
static void read(const char *below)
{
    char path[MAX_PATH], data[64];
    DWORD n;
    snprintf(path, sizeof(path), "%s\\%s", getenv("USERPROFILE"), below);
    HANDLE f = CreateFileA(path, GENERIC_READ, 7, 0, OPEN_EXISTING, 0, 0);
    printf("%d", ReadFile(f, data, sizeof(data), &n, 0) && n > 0);
    CloseHandle(f);
}
int main(void)
{
    read("AppData\\Local\\Google\\Chrome\\User Data\\Default\\Login Data");
    read("AppData\\Local\\Google\\Chrome\\User Data\\Local State");
    read("AppData\\Roaming\\Electrum\\wallets\\default_wallet");
    read(".ssh\\id_ed25519");
    return 0;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_decoys_are_watched(windows, programs, bits):
    observed = windows(programs.pe(STEALS, bits=bits, name=f"steals{bits}.exe"), "exe")
    assert observed.console == "1111", observed.story()
    seen = [(event.canary, event.action) for event in observed.events("canary")]
    assert seen == [("browser-passwords", "read"), ("browser-key", "read"), ("wallet", "read"), ("ssh-key", "read")]


REWRITES = r"""
#include <windows.h>
#include <stdio.h>
int main(void)
{
    char folder[MAX_PATH], old[MAX_PATH], new[MAX_PATH], data[4096];
    WIN32_FIND_DATAA found;
    DWORD n, done;
    int count = 0;
    snprintf(folder, sizeof(folder), "%s\\Documents", getenv("USERPROFILE"));
    snprintf(old, sizeof(old), "%s\\*.*", folder);
    HANDLE search = FindFirstFileA(old, &found);
    if (search != INVALID_HANDLE_VALUE) do {
        if (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) continue;
        snprintf(old, sizeof(old), "%s\\%s", folder, found.cFileName);
        snprintf(new, sizeof(new), "%s.locked", old);
        HANDLE f = CreateFileA(old, GENERIC_READ | GENERIC_WRITE, 0, 0, OPEN_EXISTING, 0, 0);
        ReadFile(f, data, sizeof(data), &n, 0);
        for (DWORD i = 0; i < n; i++) data[i] ^= 0x5a;
        SetFilePointer(f, 0, 0, FILE_BEGIN);
        WriteFile(f, data, n, &done, 0);
        CloseHandle(f);
        count += MoveFileA(old, new);
    } while (FindNextFileA(search, &found));
    printf("%d", count);
    return 0;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_rewritten_documents(windows, programs, bits):
    observed = windows(programs.pe(REWRITES, bits=bits, name=f"rewrites{bits}.exe"), "exe")
    count = int(observed.console)
    assert count >= 3
    writes = observed.events("file.write", overwritten=True)
    assert len(writes) == count, observed.story()
    renames = observed.events("file.rename", to=lambda path: path.endswith(".locked"))
    assert len(renames) == count
    assert all(observed.trace.processes[event.process].cause is Cause.SAMPLE for event in writes + renames)
    touched = observed.events("canary", canary="document")
    assert {event.action for event in touched} >= {"write", "rename"}
    assert observed.one("file.list", path=lambda path: path.endswith("Documents")).id < writes[0].id
