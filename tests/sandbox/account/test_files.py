from __future__ import annotations

from lazaretto.domain.detonation import Artifact
from lazaretto.sandbox.account.codes import ENOENT, FLAG_UNRESOLVED
from lazaretto.sandbox.account.records import Kind


def test_create_and_write_are_two_events_placed_where_they_began(linux):
    linux.sample()
    linux.open("/tmp/x", 0o101, 1)
    linux.record(Kind.WRITE, 0, 4, strings=(b"/tmp/x", b"\x7fELF"))
    linux.record(Kind.MKDIR, strings=(b"/tmp/d",))
    linux.record(Kind.CLOSE_WRITE, 9000, 9000, 3, strings=(b"/tmp/x",))
    create, write, directory = linux.events("file.create", "file.write")
    assert (create.path, create.directory) == ("/tmp/x", False)
    assert (write.size, write.head, write.overwritten) == (9000, b"\x7fELF", False)
    assert directory.directory
    assert write.time < directory.time


def test_overwriting_what_was_there(linux):
    linux.sample()
    linux.open("/home/anna/Documents/plan.odt", 0o1001)  # O_TRUNC
    linux.record(Kind.WRITE, 0, 9, strings=(b"/home/anna/Documents/plan.odt", b"encrypted"))
    linux.record(Kind.CLOSE_WRITE, 9, 9, 1, strings=(b"/home/anna/Documents/plan.odt",))
    write, canary = linux.events("file.write", "canary")
    assert write.overwritten
    assert write.head == b"encrypted"
    assert (canary.canary, canary.action, canary.because) == ("document", "write", (write.id,))


def test_a_file_is_read_once_and_loaders_reading_is_left_out(linux):
    linux.sample()
    for _ in range(3):
        linux.open("/etc/passwd")
    linux.open("/usr/lib/x86_64-linux-gnu/libc.so.6")
    linux.open("/etc/ld.so.cache")
    linux.open("/proc/10/maps")
    linux.open("/proc/1/maps")
    assert [event.path for event in linux.events("file.read")] == ["/etc/passwd", "/proc/1/maps"]


def test_a_write_is_never_noise(linux):
    linux.sample()
    linux.write("/etc/ld.so.preload", b"/tmp/evil.so\n", created=0)
    assert [event.kind for event in linux.events("file.write", "autostart")] == ["file.write", "autostart"]


def test_missing_files_are_absolute_bounded_and_without_the_loaders_search(linux):
    linux.sample()
    linux.open("conf.ini", result=-ENOENT, flags=FLAG_UNRESOLVED)
    linux.record(Kind.OPEN, strings=(b"../a", b"/srv/x"), result=-ENOENT, flags=FLAG_UNRESOLVED)
    linux.open("/usr/lib/x86_64-linux-gnu/libnone.so", result=-ENOENT, flags=FLAG_UNRESOLVED)
    for number in range(500):
        linux.open(f"/tmp/{number}", result=-ENOENT, flags=FLAG_UNRESOLVED)
    missing = linux.events("file.missing")
    assert [event.path for event in missing[:2]] == ["/home/anna/conf.ini", "/srv/a"]
    assert len(missing) == 200


def test_names_are_followed_to_the_hash_of_what_was_left(linux):
    linux.sample()
    linux.write("/tmp/a", b"x" * 20)
    linux.record(Kind.RENAME, strings=(b"/tmp/a", b"/tmp/b"))
    artifact = Artifact(kind="dropped", name="b", sha256="ab" * 32, size=20, path="dropped/0.bin")
    linux.account.feed_artifact("keeper", {"kind": "dropped", "path": "/tmp/b"}, artifact, b"x" * 20)
    write, rename = linux.events("file.write", "file.rename")
    assert write.sha256 == "ab" * 32
    assert (rename.path, rename.to) == ("/tmp/a", "/tmp/b")


def test_windows_paths_are_those_of_windows(windows):
    windows.windows_sample()
    windows.write("/home/anna/.wine/drive_c/users/anna/AppData/x.dll", b"MZ")
    windows.open("/etc/passwd")
    create, write, read = windows.events("file.create", "file.write", "file.read")
    assert write.path == create.path == "C:\\users\\anna\\AppData\\x.dll"
    assert read.path == "Z:\\etc\\passwd"


def test_calls_say_what_wines_server_did_for_the_program(windows):
    windows.windows_sample()
    windows.line('0024:Call KERNEL32.DeleteFileW(00a0 L"C:\\\\users\\\\anna\\\\Documents\\\\a.docx") ret=00401000')
    windows.line("0024:Ret  KERNEL32.DeleteFileW() retval=00000001 ret=00401000")
    windows.line('0024:Call KERNEL32.CreateFileA(00a0 "x.txt",80000000,0,0,00000003,0,0) ret=00401000')
    windows.line("0024:Ret  KERNEL32.CreateFileA() retval=ffffffff ret=00401000")
    windows.line('0024:Call KERNEL32.MoveFileExW(00a0 L"C:\\\\a",00a1 L"C:\\\\b.locked",1) ret=00401000')
    windows.line("0024:Ret  KERNEL32.MoveFileExW() retval=00000001 ret=00401000")
    delete, canary, missing, rename = windows.events("file.delete", "canary", "file.missing", "file.rename")
    assert delete.path == "C:\\users\\anna\\Documents\\a.docx"
    assert canary.action == "delete"
    assert missing.path == "C:\\users\\anna\\x.txt"
    assert rename.to == "C:\\b.locked"


def test_what_the_kernel_said_is_not_said_again_by_a_call(windows):
    windows.windows_sample()
    windows.line('0024:Call KERNEL32.CreateFileW(00a0 L"C:\\\\NEW.txt",40000000,0,0,00000002,0,0) ret=00401000')
    windows.open("/home/anna/.wine/drive_c/new.txt", 0o101, 1)
    windows.line("0024:Ret  KERNEL32.CreateFileW() retval=00000040 ret=00401000")
    (create,) = windows.events("file.create")
    assert create.source == "kernel"


def test_marks(linux):
    linux.sample()
    linux.record(Kind.CHMOD, 0o104755, strings=(b"/tmp/x",))
    linux.record(Kind.XATTR, 1, 0x30, strings=(b"/tmp/x", b""))
    linux.record(Kind.UTIMES, strings=(b"/tmp/x",))
    linux.record(Kind.CHOWN, 0, 0, strings=(b"/tmp/x",))
    mode, attribute, _, owner = linux.events("file.chmod", "file.attribute", "file.time", "file.chown")
    assert mode.mode == 0o4755
    assert attribute.name == "immutable,append-only"
    assert (owner.uid, owner.gid) == (0, 0)


def test_dropped_file_has_the_name_that_its_program_gave_it(windows):
    def named(kind, name):
        artifact = Artifact(kind=kind, name=name, sha256="ab" * 32, size=20, path="x/0.bin")
        return windows.account.named(artifact).name

    assert named("dropped", "/home/anna/.wine/drive_c/ProgramData/a.exe") == "C:\\ProgramData\\a.exe"
    assert named("dropped", "/home/anna/Documents/a.txt") == "/home/anna/Documents/a.txt"
    assert named("screenshot", "/home/anna/.wine/drive_c/x") == "/home/anna/.wine/drive_c/x"
