from __future__ import annotations

import pytest

from lazaretto.analysis.engine import Subject
from lazaretto.analysis.engines.padding import ENGINE, examine
from lazaretto.analysis.formats.types import TYPES


def found(data: bytes) -> list[str]:
    return [output.id for output in examine(Subject(data=data, name="a.exe", kind=TYPES["pe-exe"]))]


@pytest.mark.parametrize("byte", [b"\0", b"\xff", b"A"])
def test_much_of_one_byte_at_the_end_is_padding(byte):
    assert found(b"MZ" + bytes(range(200)) * 100 + byte * (9 << 20)) == ["padding-large"]


def test_pages_of_padding_and_padding_of_a_large_file_are_not():
    assert found(b"MZ" + bytes(range(200)) * 100 + bytes(4096)) == []
    assert found(bytes(range(256)) * (40 << 10) + bytes(9 << 20)) == []


def test_it_looks_at_what_can_run_and_at_documents():
    assert ENGINE.wants(TYPES["pe-exe"])
    assert ENGINE.wants(TYPES["pdf"])
    assert not ENGINE.wants(TYPES["zip"])
