"""The Linux guest's own programs, run as they are by the host's shell, in a folder of their own."""

import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

LINUX = Path(__file__).parents[3] / "src/lazaretto/sandbox/guest/linux"
SETTINGS = tomllib.loads((LINUX / "profile.toml").read_text())


@pytest.fixture
def systemctl(tmp_path: Path):
    """systemctl whose machine is a folder, and which sees no process but its own: it stops others."""
    text = (LINUX / "files/usr/bin/systemctl").read_text()
    for path in ("/etc/systemd/system", "/run/systemd", "/usr/local/lib/systemd/system", "/lib/systemd/system"):
        (tmp_path / path[1:]).mkdir(parents=True, exist_ok=True)
    for path in ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", " /lib/systemd", "=/lib/systemd"):
        lead = path[0] if path[0] in " =" else ""
        text = text.replace(path, f"{lead}{tmp_path}{path.lstrip(' =')}")
    executor = tmp_path / "systemd-executor"  # stands for src/executor.c
    executor.write_text('#!/bin/sh\nexec "$@"\n')
    executor.chmod(0o755)
    text = text.replace("/usr/lib/systemd/systemd-executor", str(executor))
    program = tmp_path / "systemctl"
    program.write_text(text)
    program.chmod(0o755)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return alone([program, *words])

    return run


def alone(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run it where there are no processes but its own."""
    apart = ["bwrap", "--unshare-pid", "--die-with-parent", "--dev-bind", "/", "/", "--proc", "/proc", "--"]
    return subprocess.run([*apart, *command], capture_output=True, text=True, timeout=30, check=False)


def test_a_unit_is_linked_started_and_stopped(tmp_path: Path, systemctl) -> None:
    unit = tmp_path / "etc/systemd/system/thing.service"
    unit.write_text(
        f"[Service]\nType=oneshot\nRemainAfterExit=yes\nEnvironment=WORD=here\n"
        f"ExecStart=/bin/sh -c 'echo started $WORD > {tmp_path}/out'\n[Install]\nWantedBy=multi-user.target\n"
    )
    assert systemctl("is-enabled", "thing").stdout == "disabled\n"
    made = systemctl("enable", "--now", "thing")
    assert made.returncode == 0 and "Created symlink" in made.stderr
    assert (tmp_path / "etc/systemd/system/multi-user.target.wants/thing.service").is_symlink()
    assert (tmp_path / "out").read_text() == "started here\n"
    assert systemctl("is-enabled", "thing").stdout == "enabled\n"
    assert systemctl("is-active", "thing").stdout == "active\n"
    systemctl("disable", "--now", "thing")
    assert systemctl("is-active", "thing").stdout == "inactive\n"
    assert systemctl("is-enabled", "thing").stdout == "disabled\n"


def test_stopping_a_unit_leaves_others_with_the_same_program_alone(tmp_path: Path, systemctl) -> None:
    (tmp_path / "etc/systemd/system/thing.service").write_text(
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c true\n"
    )
    script = (
        "/bin/sh -c 'sleep 20; true' & other=$!; $0 start thing; $0 stop thing; sleep 0.2; kill $other && echo alive"
    )
    done = alone(["sh", "-c", script, tmp_path / "systemctl"])
    assert done.stdout == "alive\n", done.stderr


def test_a_running_service_is_stopped(tmp_path: Path, systemctl) -> None:
    (tmp_path / "etc/systemd/system/thing.service").write_text(f"[Service]\nExecStart={shutil.which('sleep')} 20\n")
    script = (
        "$0 start thing; sleep 0.5; $0 is-active thing; pid=$($0 show -p MainPID --value thing);"
        " kill -0 $pid && echo runs;"
        " $0 stop thing; sleep 0.5; $0 is-active thing; kill -0 $pid 2>/dev/null || echo gone"
    )
    assert alone(["sh", "-c", script, tmp_path / "systemctl"]).stdout.split() == ["active", "runs", "inactive", "gone"]


def test_an_unknown_unit_is_refused_in_systemds_words(systemctl) -> None:
    refused = systemctl("start", "nothing")
    assert refused.returncode == 5
    assert refused.stderr == "Failed to start nothing.service: Unit nothing.service not found.\n"


@pytest.mark.parametrize(
    "script",
    [path for path in sorted(LINUX.glob("files/usr/**/*")) if path.is_file()] + [LINUX / "setup.sh"],
    ids=lambda path: path.name,
)
def test_scripts_are_read_by_the_shell_without_complaint(script: Path) -> None:
    shell = shutil.which("dash") or "sh"
    subprocess.run([shell, "-n", script], check=True)


def test_foreign_processors_are_registered_in_the_kernels_words() -> None:
    for line in SETTINGS["binfmt"]:
        text = line.encode("latin-1").decode("unicode_escape")
        _, name, kind, offset, magic, mask, interpreter, flags = text.split(":")
        assert kind == "M" and offset == "" and "F" in flags
        assert magic.startswith(r"\x7f\x45\x4c\x46") and magic.count("\\x") == mask.count("\\x")
        assert interpreter == f"/guest/usr/lib/qemu/{name.removeprefix('qemu-')}"
        assert len(text) < 1920  # the kernel's bound


def test_every_kind_of_file_has_a_command_line() -> None:
    kinds = {"elf", "elf-foreign", "sh", "bash", "python", "perl", "node", "php", "jar", "deb"}
    assert kinds <= set(SETTINGS["run"])
    assert all("{path}" in " ".join(way["argv"]) for way in SETTINGS["run"].values())
