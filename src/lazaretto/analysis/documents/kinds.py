"""Which types of `analysis.formats.types` are documents of which family."""

from __future__ import annotations

OLE = frozenset({"doc", "xls", "ppt", "ole-other", "visio"})
OOXML = frozenset({"docx", "docm", "xlsx", "xlsm", "xlsb", "pptx", "pptm", "ooxml-other", "visio"})
ODF = frozenset({"odt", "ods", "odp", "odf-other"})
OFFICE = OLE | OOXML | ODF
ENCRYPTED = frozenset({"ooxml-encrypted"})
