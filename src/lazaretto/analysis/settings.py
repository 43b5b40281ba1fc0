"""What an administrator may set about judging: one TOML file, every entry optional.

    /etc/lazaretto/analysis.toml, or the file that the variable LAZARETTO_SETTINGS names

    [yara]
    rules = "/etc/lazaretto/yara"        # folder of your own rules

    [mail]
    own_domains = ["company.example"]    # senders that imitate these are told of
    trusted_servers = ["mx.company.example"]

    [mail.brands]
    "Our Bank" = ["ourbank.example"]

    [clamav]
    socket = "/run/clamav/clamd.ctl"     # or "tcp:host:3310"

    [spam]
    rspamd = "http://127.0.0.1:11333"    # one of the two
    spamd = "127.0.0.1:783"

    [capa]
    command = "/opt/capa/bin/capa"
    rules = "/opt/capa/rules"

    [model]
    file = "/var/lib/lazaretto/model.json"

Read once when the program starts. An entry that is not known is an error: a misspelt one would otherwise do nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from lazaretto.domain.errors import SettingsError

DEFAULT_FILE = Path("/etc/lazaretto/analysis.toml")
VARIABLE = "LAZARETTO_SETTINGS"


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file."""


class YaraSettings(_Section, frozen=True):
    """`rules`: folder whose *.yar and *.yara files are used beside the program's own; empty: none."""

    rules: str = ""


class MailSettings(_Section, frozen=True):
    """`trusted_servers`: names under which your receiving servers write Authentication-Results; with none given, only
    the topmost such header is believed. `brands`: more names that senders borrow, with the domains they really have."""

    own_domains: tuple[str, ...] = ()
    trusted_servers: tuple[str, ...] = ()
    brands: dict[str, tuple[str, ...]] = {}


class ClamavSettings(_Section, frozen=True):
    """`socket`: path of clamd's socket, or tcp:HOST:PORT. `seconds` for one file."""

    socket: str = ""
    seconds: float = 20.0


class SpamSettings(_Section, frozen=True):
    """The address of one filter: rspamd's worker over HTTP, or SpamAssassin's spamd as HOST:PORT or a socket's path."""

    rspamd: str = ""
    spamd: str = ""
    seconds: float = 15.0


class CapaSettings(_Section, frozen=True):
    """`command` is the program, `rules` and `signatures` the folders it is to use. Memory is bytes."""

    command: str = ""
    rules: str = ""
    signatures: str = ""
    seconds: float = 120.0
    memory: int = 2 << 30


class ModelSettings(_Section, frozen=True):
    """`file`: a model made by `lazaretto model train`."""

    file: str = ""


class Settings(_Section, frozen=True):
    """All sections."""

    yara: YaraSettings = YaraSettings()
    mail: MailSettings = MailSettings()
    clamav: ClamavSettings = ClamavSettings()
    spam: SpamSettings = SpamSettings()
    capa: CapaSettings = CapaSettings()
    model: ModelSettings = ModelSettings()

    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """What the engines in the cage are told, by their names."""
        return {
            "yara": {"rules": self.yara.rules},
            "mail": msgspec.to_builtins(self.mail),
            "model": {"file": self.model.file},
        }


def load_settings(file: Path | None = None) -> Settings:
    """The settings of this file, of the one that LAZARETTO_SETTINGS names, or of the usual place; the defaults where
    the usual place has none. Raises `SettingsError`."""
    named = file or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    path = named or DEFAULT_FILE
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Settings)
    except FileNotFoundError:
        if named is None:
            return Settings()
        raise SettingsError(f"{path}: there is no such file") from None
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
