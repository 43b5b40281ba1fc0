"""The virtual machine's parts: no way out, and the same words when a state is saved and when it is restored."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from lazaretto.sandbox.machine import hardware
from lazaretto.sandbox.machine.hardware import Accelerator, Hardware, arguments


def machine(**more: object) -> Hardware:
    parts: dict[str, object] = {
        "kernel": "/proc/self/fd/10", "initrd": "/proc/self/fd/11", "disks": ((12, 4 << 20), (13, 2 << 20)), "qmp": 3,
        "ports": (4, 5, 6), "console": 7,
    }  # fmt: skip
    return Hardware(**{**parts, **more})  # type: ignore[arg-type] # the fields are checked by what is asserted


def option(line: list[str], name: str) -> list[str]:
    return [value for word, value in itertools.pairwise(line) if word == name]


@pytest.mark.parametrize("accelerator", list(Accelerator))
def test_there_is_no_network_and_nothing_by_default(accelerator: Accelerator) -> None:
    line = arguments(machine(accelerator=accelerator))
    text = " ".join(line)
    assert {"-nodefaults", "-no-user-config", "-nographic", "-no-reboot"} <= set(line)
    for way_out in (
        "-net",
        "-nic",
        "-netdev",
        "virtio-net",
        "e1000",
        "-usb",
        "virtfs",
        "9p",
        "vhost",
        "guestfwd",
        "-vnc",
    ):
        assert way_out not in text.replace("-netdev,", ""), way_out
    assert option(line, "-sandbox") == ["on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]


def test_every_disk_is_read_only_memory() -> None:
    line = arguments(machine())
    backends = [value for value in option(line, "-object") if value.startswith("memory-backend-file")]
    assert len(backends) == 2
    assert all(value.endswith("share=on,readonly=on") for value in backends)
    assert "size=4194304" in backends[0]
    assert [value for value in option(line, "-device") if value.startswith("nvdimm")] == [
        "nvdimm,id=nv0,memdev=disk0,unarmed=on",
        "nvdimm,id=nv1,memdev=disk1,unarmed=on",
    ]


def test_ports_have_their_numbers() -> None:
    """By them the guest's programs find their port."""
    line = arguments(machine())
    ports = [value for value in option(line, "-device") if value.startswith("virtserialport")]
    assert ports == [
        f"virtserialport,nr={number},chardev={name}" for number, name in enumerate(("trace", "keeper", "internet"), 1)
    ]
    assert {f"socket,id={name},fd={fd}" for name, fd in zip(hardware.PORTS, (4, 5, 6), strict=True)} <= set(line)


def test_a_port_is_missing() -> None:
    with pytest.raises(ValueError, match="zip"):
        arguments(machine(ports=(4, 5)))


def test_time_is_a_count_of_instructions() -> None:
    assert option(arguments(machine()), "-icount") == ["shift=1,sleep=off"]
    assert option(arguments(machine(accelerator=Accelerator.KVM)), "-icount") == []


@pytest.mark.parametrize("accelerator", list(Accelerator))
def test_the_processor_does_not_say_that_it_is_virtual(accelerator: Accelerator) -> None:
    (cpu,) = option(arguments(machine(accelerator=accelerator)), "-cpu")
    assert "hypervisor=off" in cpu


def test_what_the_emulator_cannot_do_is_off() -> None:
    (cpu,) = option(arguments(machine()), "-cpu")
    assert {"-smap", "-smep", "-pku"} <= set(cpu.split(","))


def test_restored_differs_from_saved_only_by_waiting() -> None:
    saved, restored = arguments(machine()), arguments(machine(incoming=True))
    assert restored == [*saved, "-incoming", "defer", "-S"]


def test_firmware_names_no_emulator() -> None:
    text = " ".join(option(arguments(machine()), "-smbios"))
    assert not {"QEMU", "SeaBIOS", "Bochs", "EDK", "KVM"} & set(text.replace(",", " ").replace("=", " ").split())


def test_one_processor_and_a_bounded_translation_cache() -> None:
    line = arguments(machine())
    assert option(line, "-smp") == ["1"]
    assert option(line, "-accel") == [f"tcg,thread=single,tb-size={hardware.TRANSLATION_MIB}"]
    assert option(line, "-m")[0].startswith(f"{hardware.MEMORY_MIB},")
    assert msgspec.json.encode(line)  # nothing but text
