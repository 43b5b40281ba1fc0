"""What the virtual machine is made of, as QEMU arguments. Pure: decides nothing about the host.

The same words must be given when the warm state is saved and when it is restored: QEMU matches devices by them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

MEMORY_MIB = 1024
DISK_ALIGNMENT = 2 << 20
"""The size of a disk image must be a multiple of this many bytes."""
# Translated code of QEMU; more than this buys nothing for runs of seconds.
TRANSLATION_MIB = 256

PORTS = ("trace", "keeper", "internet")
"""The virtio-serial ports in the order of their numbers, which start at 1 in the guest (/dev/vport0p1, ...)."""


class Accelerator(enum.StrEnum):
    TCG = "tcg"
    KVM = "kvm"


@dataclass(frozen=True)
class Disguise:
    """What the firmware tables say that the machine is."""

    vendor: str = "Dell Inc."
    product: str = "OptiPlex 7060"
    version: str = "1.0"
    serial: str = "7HX2LT2"
    bios: str = "1.21.0"
    bios_date: str = "04/14/2023"
    board: str = "0C96W1"
    cpu: str = "Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz"


@dataclass(frozen=True)
class Hardware:
    """One machine. Paths and descriptors are as QEMU's process sees them."""

    kernel: str
    initrd: str
    disks: tuple[tuple[int, int], ...]  # descriptor and size in bytes of each read-only image: pmem0, pmem1, ...
    qmp: int
    ports: tuple[int, ...]  # descriptors of sockets, in the order of PORTS
    console: int  # descriptor to which the guest kernel's console goes
    incoming: bool = False  # to be restored from a warm state
    accelerator: Accelerator = Accelerator.TCG
    disguise: Disguise = Disguise()


# The guest's kernel decides little here: quiet, no mitigation of processor faults that an emulated one does not have,
# a panic ends the machine at once, and function tracing's and eBPF's costs are known at boot. Waiting costs what wakes:
# no governor of idle states, which keeps the tick going when it expects to be woken soon, and no accounts of pressure.
KERNEL_COMMAND_LINE = (
    "console=ttyS0 quiet loglevel=4 panic=-1 oops=panic mitigations=off nowatchdog nosoftlockup "
    "random.trust_cpu=on tsc=reliable no_timer_check rcupdate.rcu_expedited=1 transparent_hugepage=never "
    "net.ifnames=0 audit=0 cpuidle.off=1 psi=0"
)


def _smbios(disguise: Disguise) -> list[str]:
    d = disguise
    return [
        "-smbios", f"type=0,vendor={d.vendor},version={d.bios},date={d.bios_date},uefi=on",
        "-smbios", ",".join((
            f"type=1,manufacturer={d.vendor},product={d.product},version={d.version},serial={d.serial}",
            "uuid=4c4c4544-0048-5810-8032-b7c04f4c5432,sku=085A,family=OptiPlex",
        )),
        "-smbios", f"type=2,manufacturer={d.vendor},product={d.board},version=A01,serial=/7HX2LT2/CNFCW0089R00C1/",
        "-smbios", f"type=3,manufacturer={d.vendor},version=1.0,serial={d.serial}",
        "-smbios", ",".join((
            f"type=4,sock_pfx=CPU,manufacturer=Intel(R) Corporation,version={d.cpu}",
            "max-speed=4100,current-speed=3000",
        )),
        "-smbios", ",".join((
            "type=17,loc_pfx=DIMM,bank=BANK,manufacturer=SK Hynix", "serial=2C8B7D11,part=HMA81GU6CJR8N-VK,speed=2666",
        )),
    ]  # fmt: skip


def _cpu(hardware: Hardware) -> str:
    # -smap, -smep, -pku: QEMU 7.2's TCG faults on a user-mode iretq with SMAP, which Wine uses.
    # hypervisor=off: the CPUID bit is what detectors ask first.
    # -erms: else kernel and libc copy memory by `rep movsb`, which the emulator does byte after byte.
    base = "max,-smap,-smep,-pku,-erms" if hardware.accelerator is Accelerator.TCG else "host,-arch-capabilities"
    vendor = ",vendor=GenuineIntel,family=6,model=158,stepping=10" if hardware.accelerator is Accelerator.TCG else ""
    return f"{base},hypervisor=off{vendor},model-id={hardware.disguise.cpu}"


def _acceleration(hardware: Hardware) -> list[str]:
    if hardware.accelerator is Accelerator.KVM:
        return ["-accel", "kvm"]
    # icount makes the guest's clock a count of its instructions; sleep=off lets it jump over idle time.
    return ["-accel", f"tcg,thread=single,tb-size={TRANSLATION_MIB}", "-icount", "shift=1,sleep=off"]


def arguments(hardware: Hardware, program: str = "/usr/bin/qemu-system-x86_64") -> list[str]:
    """The whole command line of QEMU for this machine."""
    line = [
        program, "-nodefaults", "-no-user-config", "-nographic", "-no-reboot",
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        "-machine", "pc,usb=off,graphics=off,dump-guest-core=off,mem-merge=off,hpet=off,nvdimm=on",
        "-cpu", _cpu(hardware), "-smp", "1", "-m", f"{MEMORY_MIB},slots=4,maxmem=8G",
        *_acceleration(hardware), *_smbios(hardware.disguise),
        "-kernel", hardware.kernel, "-initrd", hardware.initrd, "-append", KERNEL_COMMAND_LINE,
        "-rtc", "base=utc,clock=vm",
        "-chardev", f"socket,id=qmp,fd={hardware.qmp}", "-mon", "chardev=qmp,mode=control",
        "-chardev", f"socket,id=console,fd={hardware.console}", "-serial", "chardev:console",
        "-device", "virtio-serial-pci,id=channel,max_ports=8",
    ]  # fmt: skip
    for number, (name, fd) in enumerate(zip(PORTS, hardware.ports, strict=True), start=1):
        line += ["-chardev", f"socket,id={name},fd={fd}", "-device", f"virtserialport,nr={number},chardev={name}"]
    for number, (fd, size) in enumerate(hardware.disks):
        # Memory, not a disk: a guest that waits for a disk is idle, and the clock of an idle guest jumps. Shared and
        # read-only, so that the pages are the host's page cache and are no part of the saved state.
        line += [
            "-object",
            f"memory-backend-file,id=disk{number},mem-path=/proc/self/fd/{fd},size={size},share=on,readonly=on",
            "-device", f"nvdimm,id=nv{number},memdev=disk{number},unarmed=on",
        ]  # fmt: skip
    if hardware.incoming:
        line += ["-incoming", "defer", "-S"]
    return line
