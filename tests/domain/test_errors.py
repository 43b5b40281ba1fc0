"""The tree of errors: codes are there, unique, and in the table of the module."""

from __future__ import annotations

from pathlib import Path

from lazaretto.domain import errors


def all_errors() -> list[type[errors.LazarettoError]]:
    return [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.LazarettoError)]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in all_errors()]
    assert len(codes) == len(set(codes))


def test_the_table_names_every_error() -> None:
    assert errors.__doc__ is not None
    for error in all_errors():
        assert error.__name__ in errors.__doc__


def test_messages_say_what_and_where() -> None:
    assert str(errors.FileTooLarge(Path("a"), 9, 5)) == "a: 9 bytes, more than the limit of 5"
    found = errors.CatalogueError("r.yaml", 7, "x", "where", "is not known")
    assert str(found) == "r.yaml:7: rule 'x' field 'where': is not known"
