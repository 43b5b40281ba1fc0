"""From a cold root to a warm state: boot it, let it start everything, save the machine once it waits for a job."""

from __future__ import annotations

import os
import selectors
import time
from pathlib import Path
from typing import Any

import msgspec
import structlog

from lazaretto.domain.errors import ImageBroken
from lazaretto.sandbox.image import roots
from lazaretto.sandbox.image.recipe import Recipe
from lazaretto.sandbox.machine import lockdown, medium, state
from lazaretto.sandbox.machine.frames import FrameReader, FrameType
from lazaretto.sandbox.machine.process import Machine, MachineFiles

log = structlog.get_logger(__name__)

# The slowest profile takes about a minute and a half on two busy cores.
BOOT_SECONDS = 600
_STATE_MOST = 3 << 30


def save(wanted: Recipe, folder: Path, scratch: Path, say: roots.Say) -> None:
    """Boot the image in `folder` and write `folder/state.lz4`."""
    job = medium.create(scratch)
    try:
        medium.write(job, medium.BOOT, boot_description(wanted))
        files = MachineFiles(
            kernel=folder / "vmlinuz",
            initrd=folder / "initrd",
            disks=(folder / "tools.squashfs", folder / "root.squashfs"),
        )
        bounds = lockdown.Bounds(processor_time=2 * BOOT_SECONDS, file_size=_STATE_MOST)
        with Machine.start(files, job, bounds=bounds) as machine:
            await_word(machine, "ready", BOOT_SECONDS, say)
            machine.stop()
            say("saving")
            state.pack(folder / "state.lz4", machine.save_state)
    finally:
        os.close(job)


def boot_description(wanted: Recipe) -> dict[str, Any]:
    """What the keeper gets to know of the profile."""
    return {"profile": wanted.name, **{name: part for name, part in wanted.settings.items() if name != "image"}}


def await_word(machine: Machine, word: str, seconds: float, say: roots.Say = lambda _: None) -> None:
    """Read the guest's console and the keeper's port until the keeper says `word`: "hello" (it runs) or "ready".

    Raises `ImageBroken` when it does not in time, with the last of the console.
    """
    reader = FrameReader(budget=16 << 20)
    console = b""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(machine.ports["keeper"], selectors.EVENT_READ)
        selector.register(machine.console, selectors.EVENT_READ)
        while time.monotonic() < deadline and machine.running:
            for key, _ in selector.select(0.5):
                if key.fileobj is machine.console:
                    console = (console + machine.console.recv(65536))[-8192:]
                    continue
                for frame in reader.feed(machine.ports["keeper"].recv(65536)):
                    message = msgspec.json.decode(frame.payload) if frame.type is FrameType.JSON else {}
                    if message.get("event") == word:
                        return
                    if message.get("event") == "failed":
                        raise ImageBroken(f"the guest could not be prepared:\n{message.get('text')}")
                    if message.get("event") == "step":
                        say(f"starting {message.get('what')}")
    tail = console.decode("utf-8", "replace")[-6000:]
    raise ImageBroken(f"the guest did not say {word!r} in {seconds:.0f} s; the last of its console:\n{tail}")
