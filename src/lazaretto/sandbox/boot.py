"""Cold machines: booted for one sample under KVM, where there is no warm state to restore.

A saved state fits only the accelerator that made it, and the emulator's states are the ones that an image has. KVM is
for samples that are too heavy for the emulator; they can wait for a boot.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import structlog

from lazaretto.domain.errors import LazarettoError, MachineFailed
from lazaretto.sandbox.image import recipe, warm
from lazaretto.sandbox.image.store import Image, ImageStore
from lazaretto.sandbox.machine import hardware, medium
from lazaretto.sandbox.machine.process import Machine

log = structlog.get_logger(__name__)

# With working KVM a guest's first program runs after about one second. /dev/kvm may exist and be so slow (a machine
# in a machine, emulated) that a boot takes minutes.
TRIAL_SECONDS = 10.0
READY_SECONDS = 60.0

_guard = threading.Lock()
_verdict: dict[str, str] = {}


def boot(store: ImageStore, image: Image, accelerator: hardware.Accelerator, word: str, seconds: float) -> Machine:
    """A machine booted until its keeper says `word`, running, with the medium still to be given a job."""
    disk = medium.create(store.run_directory)
    try:
        description: dict[str, Any] = warm.boot_description(recipe.load(image.profile))
        description["session"] = {**description["session"], "settle": 0}  # nothing is saved, so nothing need settle
        medium.write(disk, medium.BOOT, description)
        machine = Machine.start(image.files(), disk, accelerator=accelerator)
        try:
            warm.await_word(machine, word, seconds)
        except BaseException:
            machine.close()
            raise
        return machine
    except BaseException:
        os.close(disk)
        raise


def why_no_kvm(store: ImageStore, image: Image) -> str:
    """Empty if KVM works on this machine, else the reason; tried once a process by booting a guest."""
    with _guard:
        if "kvm" not in _verdict:
            _verdict["kvm"] = _try(store, image)
            log.info("kvm.trial", usable=not _verdict["kvm"], reason=_verdict["kvm"])
        return _verdict["kvm"]


def _try(store: ImageStore, image: Image) -> str:
    if not os.path.exists("/dev/kvm"):  # noqa: PTH110 - a device node, nothing to be resolved
        return "this machine has no /dev/kvm"
    began = time.monotonic()
    try:
        machine = boot(store, image, hardware.Accelerator.KVM, "hello", TRIAL_SECONDS)
    except (LazarettoError, OSError) as error:
        return f"a trial boot did not work: {str(error).splitlines()[0]}"
    machine.close()
    os.close(machine.medium)
    log.info("kvm.trial.done", seconds=round(time.monotonic() - began, 2))
    return ""


def boot_under_kvm(store: ImageStore, image: Image) -> Machine:
    """A machine under KVM, ready for a job. Raises `MachineFailed` with the reason where KVM does not work."""
    if reason := why_no_kvm(store, image):
        raise MachineFailed(f"KVM was asked for and cannot be used: {reason}")
    return boot(store, image, hardware.Accelerator.KVM, "ready", READY_SECONDS)
