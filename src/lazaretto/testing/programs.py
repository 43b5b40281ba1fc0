"""Harmless programs for detonation, made from source where the tests run, and kept by the hash of all that makes them.

Nothing here is ever started on the computer that runs the tests: it is compiled and handed to a guest.

    programs = Programs(cache)
    programs.c('int main(void) { return 7; }')                       # x86-64, static
    programs.freestanding('void program(void) { ... }', "mips")      # any machine of MACHINES, without a C library
    programs.file("hello.sh", "echo hello")                          # whatever needs no compiler
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import struct
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

# machine -> (compiler, flags). Names are those of `FileType.machine`.
MACHINES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "x86-64": ("gcc", ()),
    "i386": ("gcc", ("-m32", "-fno-pic")),
    "arm": ("arm-linux-gnueabi-gcc", ("-marm",)),
    "aarch64": ("aarch64-linux-gnu-gcc", ()),
    "mips": ("mips-linux-gnu-gcc", ("-mno-abicalls", "-fno-pic", "-G0")),
    "powerpc": ("powerpc-linux-gnu-gcc", ()),
}

# Three system calls and a start, on each machine; `program` must end by quit().
_FREESTANDING: Final = r"""
#if defined(__x86_64__)
enum { OPEN = 2, WRITE = 1, EXIT = 60 };
static long call(long n, long a, long b, long c)
{ long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory"); return r; }
#define START __asm__(".globl _start\n_start: xor %ebp,%ebp\nand $-16,%rsp\ncall program\n");
#elif defined(__i386__)
enum { OPEN = 5, WRITE = 4, EXIT = 1 };
static long call(long n, long a, long b, long c)
{ long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(n), "b"(a), "c"(b), "d"(c) : "memory"); return r; }
#define START __asm__(".globl _start\n_start: xor %ebp,%ebp\nand $-16,%esp\ncall program\n");
#elif defined(__aarch64__)
enum { OPENAT = 56, WRITE = 64, EXIT = 93 };
static long call4(long n, long a, long b, long c, long d)
{ register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory"); return x0; }
#define call(n, a, b, c) call4(n, a, b, c, 0)
#define START __asm__(".globl _start\n_start: bl program\n");
#elif defined(__arm__)
enum { OPEN = 5, WRITE = 4, EXIT = 1 };
static long call(long n, long a, long b, long c)
{ register long r7 __asm__("r7") = n, r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c;
  __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory"); return r0; }
#define START __asm__(".globl _start\n_start: bl program\n");
#elif defined(__mips__)
enum { OPEN = 4005, WRITE = 4004, EXIT = 4001 };
static long call(long n, long a, long b, long c)
{ register long v0 __asm__("$2") = n, a0 __asm__("$4") = a, a1 __asm__("$5") = b, a2 __asm__("$6") = c;
  register long a3 __asm__("$7");
  __asm__ volatile("syscall" : "+r"(v0), "=r"(a3) : "r"(a0), "r"(a1), "r"(a2) : "memory", "$8", "$9", "$10", "$11",
  "$12", "$13", "$14", "$15", "$24", "$25"); return v0; }
#define START __asm__(".set noreorder\n.globl __start\n__start: bal program\nnop\n");
#elif defined(__powerpc__)
enum { OPEN = 5, WRITE = 4, EXIT = 1 };
static long call(long n, long a, long b, long c)
{ register long r0 __asm__("r0") = n, r3 __asm__("r3") = a, r4 __asm__("r4") = b, r5 __asm__("r5") = c;
  __asm__ volatile("sc" : "+r"(r3), "+r"(r0) : "r"(r4), "r"(r5) : "memory", "cr0", "r6", "r7", "r8", "r9", "r10", "r11",
  "r12"); return r3; }
#define START __asm__(".globl _start\n_start: bl program\n");
#endif
START
static long length(const char *text) { long n = 0; while (text[n]) n++; return n; }
static void say(const char *text) { call(WRITE, 1, (long)text, length(text)); }
#if defined(__mips__)
enum { CREATE = 0x101 | 0x200 };
#else
enum { CREATE = 0101 | 01000 }; /* O_CREAT | O_TRUNC | O_WRONLY */
#endif
static void put(const char *path, const char *text)
{
#if defined(__aarch64__)
	long fd = call4(OPENAT, -100, (long)path, CREATE, 0644);
#else
	long fd = call(OPEN, (long)path, CREATE, 0644);
#endif
	call(WRITE, fd, (long)text, length(text));
}
static void quit(int code) { for (;;) call(EXIT, code, 0, 0); }
"""


_PRODUCT: Final = """<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Id="1D0B8E1C-5C9C-4D0A-9A57-1B7E6B3C2D12" Name="Sample" Language="1033" Version="1.0.0" Manufacturer="Sample"
         UpgradeCode="3C1D7A40-8E53-4B52-8C1F-0F5A9D7E6B23">
<Package InstallerVersion="200" Compressed="yes" /><Media Id="1" Cabinet="sample.cab" EmbedCab="yes" />
{}
</Product></Wix>
"""


class ToolMissing(Exception):
    """A program that makes the sample is not installed here."""


class Programs:
    """What is made once is found again in `cache`, also by the next test run."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def file(self, name: str, content: str | bytes) -> Path:
        """A file of that name with that content."""
        data = content.encode() if isinstance(content, str) else content
        return self._made(name, (data,), lambda path: path.write_bytes(data))

    def big(self, name: str, head: bytes, size: int) -> Path:
        """A file of `size` bytes that begins with `head` and has nothing but zeros behind it (no place on disk)."""

        def make(path: Path) -> None:
            path.write_bytes(head)
            os.truncate(path, size)

        return self._made(name, (head, str(size).encode()), make)

    def c(self, source: str, *flags: str, name: str = "sample") -> Path:
        """A static x86-64 program."""
        return self._compile(source, "gcc", ("-O1", "-static", "-w", *flags), name)

    def dynamic(self, source: str, *flags: str, name: str = "sample") -> Path:
        """An x86-64 program that is linked with libraries, or whatever the flags make of it."""
        return self._compile(source, "gcc", ("-O1", "-w", *flags), name)

    def shared(self, source: str, *flags: str, name: str = "sample.so") -> Path:
        """An x86-64 library."""
        return self._compile(source, "gcc", ("-O1", "-shared", "-fPIC", "-w", *flags), name)

    def pe(self, source: str, *flags: str, bits: int = 64, name: str = "sample.exe") -> Path:
        """A Windows console program of 64 or 32 bits; with "-shared" a library."""
        compiler = {64: "x86_64-w64-mingw32-gcc", 32: "i686-w64-mingw32-gcc"}[bits]
        return self._compile(source, compiler, ("-O1", "-w", *flags), name)

    def freestanding(self, source: str, machine: str, name: str = "sample") -> Path:
        """A program without a C library: `source` defines `void program(void)` and has say(), put() and quit()."""
        compiler, flags = MACHINES[machine]
        plain = (
            "-O1",
            "-static",
            "-nostdlib",
            "-ffreestanding",
            "-fno-stack-protector",
            "-fno-builtin",
            "-no-pie",
            "-w",
        )
        return self._compile(_FREESTANDING + source, compiler, (*plain, *flags), f"{name}-{machine}")

    def jar(self, source: str, main: str = "Main", name: str = "sample.jar") -> Path:
        """A jar whose class `main` is all of `source`."""
        compiler = _tool("javac")

        def make(path: Path) -> None:
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / f"{main}.java"
                place.write_text(source)
                _run([compiler, "--release", "17", "-nowarn", "-d", folder, str(place)])
                with zipfile.ZipFile(path, "w") as jar:
                    jar.writestr("META-INF/MANIFEST.MF", f"Manifest-Version: 1.0\r\nMain-Class: {main}\r\n\r\n")
                    for made in sorted(Path(folder).rglob("*.class")):
                        jar.write(made, made.relative_to(folder))

        return self._made(name, (source.encode(), main.encode()), make)

    def deb(self, package: str, scripts: Mapping[str, str], files: Mapping[str, str] | None = None) -> Path:
        """A Debian package: maintainer scripts by name, files by path (those below bin/ can be executed)."""
        builder = _tool("dpkg-deb")

        def make(path: Path) -> None:
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder) / "root"
                control = root / "DEBIAN"
                control.mkdir(parents=True)
                root.chmod(0o755)
                about = f"Package: {package}\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@example.com>\n"
                (control / "control").write_text(about + "Description: a package\n")
                for script, text in scripts.items():
                    (control / script).write_text(text)
                    (control / script).chmod(0o755)
                for place, text in (files or {}).items():
                    target = root / place.lstrip("/")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(text)
                    target.chmod(0o755 if "bin" in target.parts else 0o644)
                _run([builder, "--root-owner-group", "-Znone", "-b", str(root), str(path)])

        parts = [package, *(f"{k}\0{v}" for k, v in scripts.items()), *(f"{k}\0{v}" for k, v in (files or {}).items())]
        return self._made(f"{package}.deb", tuple(part.encode() for part in parts), make)

    def assembly(self, source: str, *flags: str, name: str = "sample.exe") -> Path:
        """A .NET program of one C# file."""
        compiler = _tool("mcs")

        def make(path: Path) -> None:
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / "source.cs"
                place.write_text(source)
                _run([compiler, "-nologo", *flags, f"-out:{path}", str(place)])

        return self._made(name, (source.encode(), *(flag.encode() for flag in flags)), make)

    def msi(self, content: str, files: Mapping[str, bytes], name: str = "sample.msi") -> Path:
        """An installer; `content` is what stands inside <Product>, `files` are its sources by name."""
        builder = _tool("wixl")

        def make(path: Path) -> None:
            with tempfile.TemporaryDirectory() as folder:
                for file, data in files.items():
                    (Path(folder) / file).write_bytes(data)
                source = Path(folder) / "source.wxs"
                source.write_text(_PRODUCT.format(content))
                _run([builder, "-o", str(path), str(source)], folder=folder)

        return self._made(name, (content.encode(), *(name.encode() + data for name, data in files.items())), make)

    def shortcut(self, name: str, target: str, arguments: str) -> Path:
        """A .lnk file to a program on drive C: ([MS-SHLLINK]: header, LinkInfo, arguments)."""
        volume = struct.pack("<IIII", 17, 3, 0x5EED, 16) + b"\0"
        base = target.encode("ascii") + b"\0"
        where = 28 + len(volume)
        link = struct.pack("<IIIIII", 28, 1, 28, where, 0, where + len(base)) + volume + base + b"\0"
        has_link_info, has_arguments, is_unicode = 0x2, 0x20, 0x80
        identifier = bytes.fromhex("0114020000000000c000000000000046")
        header = struct.pack("<I16sII24sIIIHHII", 0x4C, identifier, has_link_info | has_arguments | is_unicode, 0x20,
                             bytes(24), 0, 0, 1, 0, 0, 0, 0)  # fmt: skip
        text = struct.pack("<H", len(arguments)) + arguments.encode("utf-16-le")
        return self.file(name, header + struct.pack("<I", 4 + len(link)) + link + text + bytes(4))

    def zip(self, name: str, members: Mapping[str, bytes]) -> Path:
        """A zip archive."""
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for member, content in members.items():
                archive.writestr(zipfile.ZipInfo(member), content)
        return self.file(name, data.getvalue())

    def _compile(self, source: str, compiler: str, flags: Sequence[str], name: str) -> Path:
        tool = _tool(compiler)

        def make(path: Path) -> None:
            _run([tool, "-x", "c", "-", "-o", str(path), *flags, "-s"], source.encode())

        return self._made(name, (source.encode(), compiler.encode(), *(flag.encode() for flag in flags)), make)

    def _made(self, name: str, parts: tuple[bytes, ...], make: Callable[[Path], object]) -> Path:
        digest = hashlib.sha256(b"\0\0".join((name.encode(), *parts))).hexdigest()[:24]
        path = self._cache / digest / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{name}.{os.getpid()}")
            make(unfinished)
            unfinished.rename(path)
        return path


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(name)
    return found


def _run(command: Sequence[str], text: bytes = b"", folder: str | None = None) -> None:
    done = subprocess.run(command, input=text, capture_output=True, check=False, cwd=folder)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.decode('utf-8', 'replace')[-2000:]}")
