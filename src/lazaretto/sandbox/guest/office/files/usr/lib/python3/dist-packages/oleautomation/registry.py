"""The registry: a file of what was written, over a few values that macros look for."""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors
# ruff: noqa: PTH103, PTH110, PTH120, PTH123

import json
import os

import drive

from .objects import as_text

_REGISTRY = f"{drive.HOME}/.wine/office.reg"
_KNOWN = {
    r"hklm\software\microsoft\windows nt\currentversion\productname": "Windows 10 Pro",
    r"hklm\software\microsoft\windows nt\currentversion\currentbuild": "19045",
    r"hkcu\software\microsoft\office\16.0\word\security\vbawarnings": 1,
}
_HIVES = {"HKEY_CURRENT_USER": "HKCU", "HKEY_LOCAL_MACHINE": "HKLM", "HKEY_CLASSES_ROOT": "HKCR", "HKEY_USERS": "HKU"}


def _key(key):
    hive, _, rest = key.partition("\\")
    return f"{_HIVES.get(hive.upper(), hive.upper())}\\{rest}"


def registry_write(key, value, kind):
    os.makedirs(os.path.dirname(_REGISTRY), exist_ok=True)
    with open(_REGISTRY, "a") as file:
        file.write(json.dumps([_key(key), kind, as_text(value) if value is not None else None]) + "\n")


def registry_read(key):
    value = _KNOWN.get(_key(key).lower())
    if os.path.exists(_REGISTRY):
        with open(_REGISTRY) as file:
            for line in file:
                name, _, written = json.loads(line)
                value = written if name.lower() == _key(key).lower() else value
    if value is None:
        raise KeyError(f"Unable to open registry key {key!r} for reading.")
    return value
