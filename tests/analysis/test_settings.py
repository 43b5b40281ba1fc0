"""The file of settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazaretto.analysis import settings
from lazaretto.analysis.outside.standard import not_set_up, outside
from lazaretto.analysis.settings import Settings, load_settings
from lazaretto.domain.errors import SettingsError


def example() -> str:
    """The example in the module's own documentation."""
    text = settings.__doc__ or ""
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ") and not line.strip().startswith("/etc")]
    return "\n".join(lines).replace('spamd = "127.0.0.1:783"', "")


def test_the_example_that_is_documented(tmp_path: Path) -> None:
    file = tmp_path / "analysis.toml"
    file.write_text(example())
    known = load_settings(file)
    assert known.mail.brands == {"Our Bank": ("ourbank.example",)}
    assert known.options()["yara"] == {"rules": "/etc/lazaretto/yara"}
    assert {engine.name: engine.ask is not None for engine in outside(known)} == {
        "capa": True, "clamav": True, "spam-filter": True,
    }  # fmt: skip


def test_nothing_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DEFAULT_FILE", tmp_path / "none.toml")
    monkeypatch.delenv(settings.VARIABLE, raising=False)
    assert load_settings() == Settings()
    assert all(engine.ask is None for engine in not_set_up())


def test_the_file_that_the_variable_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.toml"
    monkeypatch.setenv(settings.VARIABLE, str(file))
    with pytest.raises(SettingsError, match="no such file"):
        load_settings()
    file.write_text('[yara]\nrules = "/r"\n')
    assert load_settings().yara.rules == "/r"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[yara]\nrulez = 1", "rulez"),
        ("[yara\n", "a.toml"),
        ("[yara]\nrules = 1", "rules"),
        ("[clamav]\nseconds = 'a'", "seconds"),
        ("\xff", "a.toml"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError) as raised:
        load_settings(file)
    assert told in str(raised.value)
