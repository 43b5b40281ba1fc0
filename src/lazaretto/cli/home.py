"""Where guest images and snapshots of this machine are kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def home(environment: Mapping[str, str] | None = None, uid: int | None = None) -> Path:
    """`$LAZARETTO_HOME`, or `/var/lib/lazaretto` for root, or `$XDG_DATA_HOME/lazaretto` (`~/.local/share/lazaretto`)."""
    environment = os.environ if environment is None else environment
    uid = os.geteuid() if uid is None else uid
    if chosen := environment.get("LAZARETTO_HOME"):
        return Path(chosen).absolute()
    if uid == 0:
        return Path("/var/lib/lazaretto")
    if data := environment.get("XDG_DATA_HOME"):
        return Path(data) / "lazaretto"
    return Path(environment.get("HOME") or Path.home()) / ".local/share/lazaretto"
