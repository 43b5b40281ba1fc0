"""What `lazaretto doctor` says of computers that lack something."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazaretto.cli.checks import CHECKS, GIB, Finding, Host, Need, Result, examine, packages
from lazaretto.cli.doctor import remedies


class Computer(Host):
    """A computer on which everything is as it should be, until a test takes something away."""

    def __init__(self) -> None:
        super().__init__(Path("/var/lib/lazaretto"))
        self.commands = {package.command for package in packages()}
        self.files = {
            "/proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable:    4000000 kB\n",
            "/proc/sys/kernel/seccomp/actions_avail": "kill_process errno allow\n",
            "/proc/sys/kernel/random/entropy_avail": "256\n",
        }
        self.qemu = "QEMU emulator version 7.2.9 (Debian)"
        self.namespaces = (0, "")
        self.lock = ""
        self.free = 100 * GIB
        self.faults = {"linux": "", "windows": ""}
        self.is_root = True
        self.python_version = (3, 11)
        self.kind = ("Linux", "x86_64")

    @property
    def root(self) -> bool:
        return self.is_root

    def which(self, command: str) -> str:
        return f"/usr/bin/{command}" if command in self.commands else ""

    def read(self, path: str) -> str:
        return self.files.get(path, "")

    def run(self, *command: str) -> tuple[int, str]:
        return (0, self.qemu) if command[0].endswith("qemu-system-x86_64") else (127, "not here")

    def unprivileged(self, *command: str) -> tuple[int, str]:
        assert command[0] == "unshare"
        return self.namespaces

    def free_bytes(self, path: Path) -> int:
        return self.free

    def writable(self, path: Path) -> bool:
        return True

    def accessible(self, path: str) -> bool:
        return False

    @property
    def python(self) -> tuple[int, int]:
        return self.python_version

    @property
    def system(self) -> tuple[str, str]:
        return self.kind

    @property
    def processors(self) -> int:
        return 2

    def refusal(self) -> str:
        return self.lock

    def images(self) -> dict[str, str]:
        return self.faults

    def build_command(self, profiles: tuple[str, ...]) -> str:
        return f"lazaretto image build {' '.join(profiles)}"


def missing(computer: Computer) -> dict[str, str]:
    """Names of the checks that block, with their remedies."""
    return {result.check: result.remedy for result in examine(computer) if result.blocks}


def test_a_good_computer_lacks_nothing() -> None:
    results = examine(Computer())
    assert [result.check for result in results if not result.good] == []
    assert [result.remedy for result in results if result.remedy] == []


def test_missing_packages_are_one_command() -> None:
    computer = Computer()
    computer.commands -= {"bwrap", "mmdebstrap"}
    computer.is_root = False
    assert remedies(examine(computer)) == ["sudo apt-get install -y bubblewrap mmdebstrap"]


def test_make_is_only_advised() -> None:
    computer = Computer()
    computer.commands -= {"make"}
    assert missing(computer) == {}


@pytest.mark.parametrize(
    ("switch", "value", "mended"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1\n", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("user/max_user_namespaces", "0\n", "user.max_user_namespaces=10000"),
        ("kernel/unprivileged_userns_clone", "0\n", "kernel.unprivileged_userns_clone=1"),
    ],
)
def test_the_switch_that_is_off_is_named(switch: str, value: str, mended: str) -> None:
    computer = Computer()
    computer.namespaces = (1, "unshare: unshare failed: Operation not permitted")
    computer.files[f"/proc/sys/{switch}"] = value
    assert missing(computer) == {"namespaces": f"sysctl -w {mended}"}


def test_a_chroot_is_no_place_for_machines() -> None:
    """The kernel lets nobody make namespaces in a chroot, whatever the settings are."""
    computer = Computer()
    computer.namespaces = (1, "unshare: unshare failed: Operation not permitted")
    computer.files["/proc/sys/user/max_user_namespaces"] = "95000\n"
    assert "chroot" in missing(computer)["namespaces"]


@pytest.mark.parametrize("said", ["QEMU emulator version 6.2.0", "QEMU emulator version 5.10.1", "segmentation fault"])
def test_an_old_emulator_blocks(said: str) -> None:
    computer = Computer()
    computer.qemu = said
    assert set(missing(computer)) == {"emulator"}


@pytest.mark.parametrize("kind", [("Darwin", "arm64"), ("Linux", "aarch64")])
def test_another_system_blocks(kind: tuple[str, str]) -> None:
    computer = Computer()
    computer.kind = kind
    assert set(missing(computer)) == {"system"}


def test_no_isolation_no_run() -> None:
    computer = Computer()
    computer.lock = "the cage does not hold: uid 0"
    assert set(missing(computer)) == {"lockdown"}


def test_too_little_disk_and_memory() -> None:
    computer = Computer()
    computer.free = GIB
    computer.files["/proc/meminfo"] = "MemAvailable: 500000 kB\n"
    assert set(missing(computer)) == {"disk", "memory"}
    computer.files["/proc/meminfo"] = "nonsense"
    assert "memory" in missing(computer)


def test_only_the_images_at_fault_are_built() -> None:
    computer = Computer()
    computer.faults = {"linux": "", "windows": "built by an older recipe", "office": "not built"}
    assert missing(computer) == {"images": "lazaretto image build office windows"}


def test_needed_remedies_come_first() -> None:
    def result(need: Need, remedy: str) -> Result:
        return Result("x", "X", need, False, "", remedy)

    found = [result(Need.ADVISED, "b"), result(Need.REQUIRED, "a"), result(Need.REQUIRED, "a")]
    assert remedies(found) == ["a", "b"]


def test_names_are_unique_and_every_check_tells_what_mends_it() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.title and check.mends for check in CHECKS)
    assert all(isinstance(check.look(Computer()), Finding) for check in CHECKS)


def test_the_real_computer_can_be_looked_at(tmp_path: Path) -> None:
    """Whatever this computer lacks, looking at it never fails."""
    results = {result.check: result for result in examine(Host(tmp_path / "none" / "yet"))}
    assert results["python"].good
    assert results["home"].good
    assert not results["images"].good
