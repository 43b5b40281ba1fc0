"""Small texts that make a system do something when they are opened: shortcuts, settings, queries, launchers.

Each is known by the line or element that its program looks for.
"""

from __future__ import annotations

import re

from lazaretto.analysis.formats.types import FileType, of

_LINES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.MULTILINE), name)
    for pattern, name in (
        (r"\A\s*\[shell\][ \t]*\r?\n\s*command[ \t]*=", "scf"),
        (r"\A(?:\s*(?:;|#)[^\n]*\n|\s*\n)*\[version\][^\[]{0,600}^\s*signature\s*=\s*\"?\$", "inf"),
        (r"\A(?:\s*#[^\n]*\n|\s*\n)*\[desktop entry\]", "desktop"),
        (r"\A(?:[a-z ]+:[sib]:[^\n]*\n){1,60}?(?:full address|alternate shell|remoteapplicationprogram):s:", "rdp"),
        (r"\A(?:full address|screen mode id|remoteapplication\w+):[sib]:", "rdp"),
        (r"\AID;P", "slk"),
        (r"\AWEB\r?\n1\r?\n", "iqy"),
        (r"\A\s*VERSION 1\.0 CLASS|\A\s*Attribute VB_Name = ", "vba"),
        (r"\A-----BEGIN (?:CERTIFICATE|PUBLIC KEY|RSA|EC |OPENSSH|PRIVATE|ENCRYPTED|PGP)", "key-or-certificate"),
    )
)
_ROOTS = {
    "pcsettings": "settings-shortcut",
    "librarydescription": "settings-shortcut",
    "searchconnectordescription": "settings-shortcut",
    "persistedquery": "settings-shortcut",
    "mmc_consolefile": "msc",
    "jnlp": "jnlp",
    "svg": "svg",
    "project": "msbuild",
}
_FIRST = re.compile(r"<(?![?!])(?:\w+:)?([\w.-]+)")
_CLICK_ONCE = re.compile(r"<(?:\w+:)?assembly\b.{0,4000}<(?:\w+:)?(?:deployment|deploymentprovider)\b", re.DOTALL)


def setting(text: str) -> FileType | None:
    """The type of a text whose begin a system's program looks for, or None."""
    head = text[:8192]
    for pattern, name in _LINES:
        if pattern.search(head):
            return of(name)
    return None


def root_element(text: str) -> str:
    """The first element of a markup text in lower case, without its name space; empty if there is none."""
    head = re.sub(r"<!--.*?-->", "", text[:8192], flags=re.DOTALL)
    head = re.sub(r"<!doctype\b[^\[>]*(?:\[.*?\]\s*)?>", "", head, flags=re.DOTALL | re.IGNORECASE)
    found = _FIRST.search(head)
    return found[1].lower() if found else ""


def by_root(root: str, whole: str) -> FileType | None:
    """The type of a markup text with this first element; `whole` is the text in lower case."""
    if (
        root == "project"
        and "schemas.microsoft.com/developer/msbuild" not in whole[:4096]
        and "sdk=" not in whole[:512]
    ):
        return None
    if root == "assembly" and _CLICK_ONCE.search(whole[:16384]):
        return of("clickonce")
    name = _ROOTS.get(root)
    if name is None:
        return None
    return of(name, *(("script",) if name == "svg" and "<script" in whole else ()))
