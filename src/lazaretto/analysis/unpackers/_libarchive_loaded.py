"""libarchive itself, loaded once by the warden: importing this module is the loading."""

from __future__ import annotations

from lazaretto.analysis.unpackers._libarchive import prepare

library = prepare()
