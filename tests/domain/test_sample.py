"""Hashes of a sample."""

from __future__ import annotations

import hashlib

from lazaretto.domain.sample import Category, hash_bytes, hash_chunks


def test_pieces_and_whole_are_the_same_sample() -> None:
    whole = hash_bytes(b"hello world")
    assert whole == hash_chunks([b"hello ", b"", b"world"])
    assert whole.size == 11
    assert whole.hashes.sha256 == hashlib.sha256(b"hello world").hexdigest()


def test_categories_are_those_of_a_policy() -> None:
    assert [c.value for c in Category] == [
        "executables",
        "archives",
        "scripts",
        "documents",
        "possible-spam",
        "other",
    ]
