"""Encrypted Office documents: [MS-OFFCRYPTO] through msoffcrypto-tool, tried with a list of passwords."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable

from lazaretto.analysis.documents.package import MOST_BYTES

DEFAULT = "VelvetSweatshop"  # with which Excel itself opens a workbook that is only protected against changes
_PATIENCE = 8.0  # seconds for all passwords: one may take a fifth of a second by design
LOADS = (
    "xml.dom.expatbuilder",
    "msoffcrypto", "msoffcrypto.format.ooxml", "msoffcrypto.format.doc97", "msoffcrypto.format.xls97",
    "msoffcrypto.format.ppt97", "msoffcrypto.method.ecma376_agile", "msoffcrypto.method.ecma376_standard",
    "cryptography.hazmat.primitives.ciphers", "cryptography.hazmat.backends.openssl.backend",
)  # fmt: skip


def is_locked(data: bytes) -> bool:
    """Whether a document in an OLE file is encrypted; False where it cannot be told."""
    import msoffcrypto  # type: ignore[import-untyped]  # noqa: PLC0415  only in the cage

    try:
        return bool(msoffcrypto.OfficeFile(io.BytesIO(data)).is_encrypted())
    except ImportError:
        raise  # the cage lacks something: not the sample's doing
    except Exception:
        return False


def opened(data: bytes, passwords: Iterable[str]) -> tuple[bytes, str] | None:
    """The document without its encryption, and the password that opened it; None if none does."""
    import msoffcrypto  # noqa: PLC0415  only in the cage

    until = time.monotonic() + _PATIENCE
    for password in dict.fromkeys([DEFAULT, *passwords]):
        if time.monotonic() > until:
            return None
        out = io.BytesIO()
        try:
            file = msoffcrypto.OfficeFile(io.BytesIO(data))
            file.load_key(password=password)
            file.decrypt(out)
        except ImportError:
            raise
        except Exception:  # noqa: S112  a wrong password and a broken file are told by many kinds
            continue
        plain = out.getvalue()
        if _is_document(plain, data):
            return plain[:MOST_BYTES], password
    return None


def _is_document(plain: bytes, data: bytes) -> bool:
    """Whether that is a document: a wrong key gives noise, and one that changes nothing opened nothing."""
    return plain != data and plain[:4] in {b"PK\x03\x04", b"\xd0\xcf\x11\xe0"}
