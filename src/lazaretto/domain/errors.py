"""Every error that Lazaretto raises on purpose.

    LazarettoError
    ├── InputError              the sample or an argument cannot be used
    │   ├── UnreadableFile          input-unreadable
    │   └── FileTooLarge            input-too-large
    ├── DetonationError         the sandbox gave no account
    │   ├── NoIsolation             detonation-no-isolation
    │   ├── ImageMissing            detonation-image-missing
    │   ├── ImageBroken             detonation-image-broken
    │   ├── Unsupported             detonation-unsupported
    │   ├── MachineFailed           detonation-machine-failed      (may be retried)
    │   ├── GuestFailed             detonation-guest-failed        (may be retried)
    │   └── Overloaded              detonation-overloaded          (may be retried)
    ├── CageFailed              cage-failed: the sample's bytes cannot be looked at safely
    ├── CatalogueError          catalogue-invalid: a rule cannot be used as it is written
    ├── SettingsError           settings-invalid: what was set up cannot be used
    ├── ModelError              model-invalid: a model file is not one, or cannot be trained from these labels
    └── ReportError             report-invalid: a stored report is not one

A `code` reaches logs, reports and other programs: it is never renamed or used again for something else. The text is for
people and may change. `retryable` says whether the same call may succeed later without anybody changing anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


class LazarettoError(Exception):
    """Something that Lazaretto foresaw went wrong."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False


class InputError(LazarettoError):
    """The sample or an argument cannot be used."""

    code = "input-invalid"


class UnreadableFile(InputError):
    """The file cannot be read."""

    code = "input-unreadable"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: cannot be read: {reason}")
        self.path = path
        self.reason = reason


class FileTooLarge(InputError):
    """The file is larger than what is analysed. Sizes are bytes."""

    code = "input-too-large"

    def __init__(self, path: Path, size: int, limit: int) -> None:
        super().__init__(f"{path}: {size} bytes, more than the limit of {limit}")
        self.path = path
        self.size = size
        self.limit = limit


class DetonationError(LazarettoError):
    """The sandbox gave no account of the sample."""

    code = "detonation-failed"


class NoIsolation(DetonationError):
    """The machine cannot be shut off from its host, so nothing is run."""

    code = "detonation-no-isolation"


class ImageMissing(DetonationError):
    """The guest image of the profile has not been built."""

    code = "detonation-image-missing"


class ImageBroken(DetonationError):
    """The guest image does not match its own record."""

    code = "detonation-image-broken"


class Unsupported(DetonationError):
    """No profile starts files of this kind."""

    code = "detonation-unsupported"


class MachineFailed(DetonationError):
    """The virtual machine could not be started, or ended before the sample ran."""

    code = "detonation-machine-failed"
    retryable = True


class GuestFailed(DetonationError):
    """The guest did not take the sample."""

    code = "detonation-guest-failed"
    retryable = True


class Overloaded(DetonationError):
    """There is no room for another machine now."""

    code = "detonation-overloaded"
    retryable = True


class CageFailed(LazarettoError):
    """There is no sandbox in which a sample's bytes could be looked at, so they are not."""

    code = "cage-failed"


class CatalogueError(LazarettoError):
    """A rule cannot be used as it is written. `line` counts from 1; 0 where it is not known."""

    code = "catalogue-invalid"

    def __init__(self, file: str, line: int, rule: str, field: str, problem: str) -> None:
        place = f"{file}:{line}" if line else file
        named = f" rule {rule!r}" if rule else ""
        at = f" field {field!r}" if field else ""
        super().__init__(f"{place}{':' if named or at else ''}{named}{at}: {problem}")
        self.file = file
        self.line = line
        self.rule = rule
        self.field = field
        self.problem = problem


class SettingsError(LazarettoError):
    """A file of settings cannot be used; the text says which entry and why."""

    code = "settings-invalid"


class ModelError(LazarettoError):
    """A model file is not one, or is of other features than this program's; or labels from which none can be made."""

    code = "model-invalid"


class ReportError(LazarettoError):
    """A stored report is not one, or is of a version that this program does not know."""

    code = "report-invalid"
