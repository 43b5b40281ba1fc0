"""What is loaded and made once by the cage's warden, before there is any sample: the parsers of all languages, and the
encodings, which Python loads from files when they are first asked for."""

from __future__ import annotations

import codecs

from lazaretto.analysis.scripting.unfold import READERS

for _name in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-7", "latin-1", "ascii", "rot13", "cp1252"):
    codecs.lookup(_name)
for _read, _ in READERS.values():
    _read(b"")
