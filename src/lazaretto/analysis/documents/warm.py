"""Imported by the cage's warden, before any sample is there: what qpdf does only once and needs a device for."""

from __future__ import annotations

import io

import pikepdf


def _open_an_encrypted_file() -> None:
    """qpdf opens the system's random device when it first meets encryption, and keeps it open; the cage has none."""
    with pikepdf.new() as file:
        out = io.BytesIO()
        file.save(out, encryption=pikepdf.Encryption(owner="o", user="u"))
    with pikepdf.open(io.BytesIO(out.getvalue()), password="u"):  # noqa: S106  nobody's
        pass


_open_an_encrypted_file()
