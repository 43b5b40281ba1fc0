"""What is loaded and made once by the cage's warden, before there is any sample: the parsers of all languages."""

from __future__ import annotations

from lazaretto.analysis.scripting.unfold import READERS

for _read, _ in READERS.values():
    _read(b"")
