"""Makes root file systems out of Debian packages, and compiles what runs in them.

Each function makes one directory of outputs below a scratch folder; the caller moves it into place when it is whole, so
that an interrupted build goes on with what is finished.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from lazaretto.domain.errors import ImageBroken
from lazaretto.sandbox.image import recipe
from lazaretto.sandbox.image.recipe import GATEWAY, Recipe
from lazaretto.sandbox.machine import hardware

log = structlog.get_logger(__name__)

Say = Callable[[str], None]
"""Told about each step, in words for a person."""

# Documentation and languages weigh more than the programs and no sample misses them.
_LEAVE_OUT = (
    "/usr/share/doc/*", "/usr/share/man/*/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*",
    "/usr/share/bug/*", "/usr/share/help/*", "/usr/share/gtk-doc/*",
)  # fmt: skip

# zstd at a middle level: half the size of lzo, and the state's page cache holds what a run needs anyway.
_SQUASH = ("-comp", "zstd", "-Xcompression-level", "9", "-b", "128K", "-no-progress", "-quiet")


def run(command: Sequence[str | Path], say: Say = lambda _: None, **options: object) -> None:
    """Run and pass each line on; raises `ImageBroken` with the last lines when it fails."""
    tail: list[str] = []
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    environment |= {name: value for name, value in os.environ.items() if name.endswith("_proxy")}
    process = subprocess.Popen(  # type: ignore[call-overload] # options are passed through as they are
        [str(word) for word in command], env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options,
    )  # fmt: skip
    with process:
        for line in process.stdout:
            if line := line.strip():
                log.debug("image.command", line=line)
                tail = [*tail[-15:], line]
                say(line)
    if process.returncode:
        raise ImageBroken(f"{command[0]} failed with {process.returncode}:\n" + "\n".join(tail))


# In a mount namespace of its own: parts that are made at the same time do not meet, and nothing stays mounted, whatever
# happens to the build.
_INSIDE = """
root=$1; shift
mkdir -p "$root/dev/shm"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/dev/shm"
exec chroot "$root" "$@"
"""


def run_inside(root: Path, command: Sequence[str | Path], say: Say, *, network: bool = True) -> None:
    """Run in `root` with the kernel's file systems there; without `network` there is not even the host's loopback."""
    namespaces = ["--mount"] if network else ["--mount", "--net"]
    run(["unshare", *namespaces, "sh", "-ec", _INSIDE, "sh", root, *command], say)


def bootstrap(wanted: Recipe, root: Path, say: Say) -> None:
    """Debian with the recipe's packages in the directory `root`. The slowest part, so kept for itself."""
    options = [word for pattern in _LEAVE_OUT for word in ("--dpkgopt", f"path-exclude={pattern}")]
    run(
        [
            "mmdebstrap", "--variant=minbase", f"--architectures={','.join(wanted.architectures)}",
            "--components=main", "--aptopt=Apt::Install-Recommends false", "--aptopt=Acquire::Languages none",
            "--dpkgopt=force-unsafe-io", *options, f"--include={','.join(wanted.packages)}",
            recipe.SUITE, str(root), recipe.MIRROR,
        ],
        lambda line: say(line.removeprefix("I: ")),
    )  # fmt: skip


def squash(root: Path, target: Path) -> None:
    run(["mksquashfs", root, target, *_SQUASH, "-noappend"])
    size = target.stat().st_size
    os.truncate(target, -(-size // hardware.DISK_ALIGNMENT) * hardware.DISK_ALIGNMENT)


_BY_PRODUCTS = ("*.o", "*.h", "*.res", "kernel")


# --- the builder ------------------------------------------------------------------------------------------------------


def make_builder(out: Path, say: Say) -> None:
    """`out/root`: a Debian with compilers, in its `/kernel` the guest kernel's package, taken apart."""
    wanted = recipe.load("builder")
    bootstrap(wanted, out / "root", say)
    say("fetching the guest's kernel")
    # unpacked, never configured: nothing of it runs here, and no initramfs of Debian's is wanted
    run(["mmdebstrap", "--variant=extract", "--components=main", f"--include={wanted.settings['kernel']['package']}",
         "--aptopt=Apt::Install-Recommends false", recipe.SUITE, str(out / "root/kernel"), recipe.MIRROR])  # fmt: skip
    # The kernel carries a description of its own types (BTF), from which eBPF programs are compiled.
    kernel = next((out / "root/kernel/boot").glob("vmlinuz-*"))
    (out / "root/payload").write_bytes(kernel_payload(kernel.read_bytes()))
    run(["chroot", out / "root", "sh", "-ec", "lz4 -dcq /payload > /vmlinux && rm /payload"])


def kernel_payload(image: bytes) -> bytes:
    """The LZ4 stream inside a bzImage (Documentation/x86/boot.rst: setup_sects, payload_offset, payload_length)."""
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    begin = (setup_sectors + 1) * 512 + offset
    # the last four bytes are the size of what comes out, appended by the kernel's build
    return image[begin : begin + length - 4]


def compile_sources(builder: Path, sources: Path, out: Path, say: Say) -> None:
    """`make OUT=...` of one source folder inside the builder; what it makes is copied to `out`, by-products are not."""
    root = builder / "root"
    work = Path(tempfile.mkdtemp(prefix="make-", dir=root / "tmp"))
    try:
        shutil.copytree(sources, work / "src")
        (work / "out").mkdir()
        inside = Path("/tmp") / work.name  # noqa: S108 - inside the builder root
        run_inside(root, ["make", "-C", inside / "src", f"OUT={inside}/out", "VMLINUX=/vmlinux"], say)
        shutil.copytree(work / "out", out, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_BY_PRODUCTS))
    finally:
        shutil.rmtree(work, ignore_errors=True)


# --- kernel and initramfs ---------------------------------------------------------------------------------------------


def make_boot(builder: Path, out: Path) -> None:
    """`out/vmlinuz`, `out/initrd` and `out/modules` (for the tools root)."""
    root = builder / "root"
    kernel = root / "kernel"
    version = next((kernel / "lib/modules").iterdir()).name
    shutil.copy(next((kernel / "boot").glob("vmlinuz-*")), out / "vmlinuz")
    boot, later = _modules()
    run(["chroot", root, "depmod", "-b", "/kernel", version])
    target = out / "modules/lib/modules" / version
    for path in _closure(root, version, [*boot, *later]):
        place = target / path.relative_to(kernel / "lib/modules" / version)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copy(kernel / "lib/modules" / version / name, target / name)
    _make_initrd(_closure(root, version, boot), root / "usr/bin/busybox", out)


def _modules() -> tuple[list[str], list[str]]:
    boot, later = [], []
    for table in sorted(recipe.GUEST.glob("*/modules.txt")):
        for line in table.read_text().splitlines():
            words = line.split("#")[0].split()
            if words[:1] == ["boot"]:
                boot.append(words[1])
            elif words:
                later.append(words[0])
    return boot, later


def _closure(builder_root: Path, version: str, names: Sequence[str]) -> list[Path]:
    """The modules and all that they need, in an order in which they can be loaded."""
    found: list[Path] = []
    for name in names:
        listed = subprocess.run(
            ["chroot", str(builder_root), "modprobe", "-d", "/kernel", "-S", version, "--show-depends", name],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if listed.returncode:
            raise ImageBroken(f"the guest's kernel has no module {name}: {listed.stderr.strip()}")
        for line in listed.stdout.splitlines():
            if line.startswith("insmod ") and (path := builder_root / line.split()[1].lstrip("/")) not in found:
                found.append(path)
    return found


def _make_initrd(modules: Sequence[Path], busybox: Path, out: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for folder in ("bin", "proc", "sys", "dev", "modules"):
            (root / folder).mkdir()
        shutil.copy(recipe.GUEST / "tools/init", root / "init")
        (root / "init").chmod(0o755)
        shutil.copy(busybox, root / "bin/busybox")
        for path in modules:
            shutil.copy(path, root / "modules" / path.name)
        (root / "modules/order").write_text("\n".join(path.stem for path in modules) + "\n")
        names = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
        with (out / "initrd").open("wb") as target:
            command: list[str | Path] = [busybox, "cpio", "-o", "-H", "newc", "-R", "0:0"]
            subprocess.run(command, cwd=root, input=names, stdout=target, check=True)


# --- the roots of the guest -------------------------------------------------------------------------------------------


def make_authority(bare: Path, out: Path) -> None:
    """`out/authority`: what the pretended internet signs with; `out/certificates`: what the guests are to trust."""
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        root = Path(scratch) / "root"
        run(["cp", "-a", "--reflink=auto", bare / "root", root])
        place = root / "opt/lazaretto"
        shutil.copytree(recipe.GUEST / "internet", place / "internet", ignore=shutil.ignore_patterns("__pycache__"))
        python: list[str | Path] = ["chroot", root, "env", "PYTHONPATH=/opt/lazaretto", "python3"]
        run([*python, "-m", "internet.certificates", "/opt/lazaretto/authority"])
        shutil.copytree(place / "authority", out / "authority")
    (out / "certificates").mkdir()
    for name in ("ca.pem", "ca.der"):
        shutil.copy(out / "authority" / name, out / "certificates" / name)


def make_tools(*, bare: Path, compiled: Path, boot: Path, authority: Path, out: Path, say: Say) -> None:
    """`out/root.squashfs`: keeper, tracer, internet and human with what they need, and the kernel's modules."""
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        root = Path(scratch) / "root"
        run(["cp", "-a", "--reflink=auto", bare / "root", root])
        place = root / "opt/lazaretto"
        for part in ("keeper", "internet", "human"):
            ignored = shutil.ignore_patterns("*.c", "src", "__pycache__")
            shutil.copytree(recipe.GUEST / part, place / part, ignore=ignored)
        shutil.copytree(compiled, place / "bin", dirs_exist_ok=True)
        shutil.copytree(boot / "modules/lib/modules", root / "usr/lib/modules", dirs_exist_ok=True)
        run(["chroot", root, "depmod", next((root / "usr/lib/modules").iterdir()).name])
        shutil.copytree(authority, place / "authority")
        say("compiling the guest's Python")
        run(["chroot", root, "python3", "-m", "compileall", "-q", "/opt/lazaretto"])
        _trim(root, ("var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/python3-wheels"))
        say("packing")
        squash(root, out / "root.squashfs")


def make_profile(
    wanted: Recipe, *, bare: Path, compiled: Path, persona: Path, certificates: Path, out: Path, say: Say
) -> None:
    """`out/root.squashfs`: the sample's world of one profile."""
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        root = Path(scratch) / "root"
        run(["cp", "-a", "--reflink=auto", bare / "root", root])
        say("furnishing")
        if (wanted.folder / "files").is_dir():
            shutil.copytree(wanted.folder / "files", root, dirs_exist_ok=True, symlinks=True)
        build = root / "build"
        for source, name in (
            (compiled, wanted.name),
            (persona, "persona"),
            (certificates, "certificates"),
            (wanted.folder, "profile"),
        ):
            shutil.copytree(source, build / name, symlinks=True)
        if (wanted.folder / "setup.sh").is_file():
            run_inside(root, ["/bin/sh", "-e", "/build/profile/setup.sh"], say, network=False)
        _name_server(root)
        shutil.rmtree(build)
        trim = wanted.folder / "trim.txt"
        lines = trim.read_text().splitlines() if trim.is_file() else []
        _trim(root, ("var/cache/apt", "var/lib/apt/lists", *(line.strip() for line in lines)))
        say("packing")
        squash(root, out / "root.squashfs")


def _name_server(root: Path) -> None:
    """The bootstrap leaves this computer's own resolv.conf behind: the guest's only name server is its gateway."""
    path = root / "etc/resolv.conf"
    path.unlink(missing_ok=True)
    path.write_text(f"search fritz.box\nnameserver {GATEWAY}\n")


def _trim(root: Path, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        if not pattern or pattern.startswith("#"):
            continue
        for path in root.glob(pattern.lstrip("/")):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
