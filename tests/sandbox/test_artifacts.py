"""What comes home from a guest: bounded, named by the host, never executable, whatever the guest says."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazaretto.sandbox.artifacts import Collector, Limits


def begin(ident: Any = 1, size: Any = 3, kind: Any = "dropped", **more: Any) -> bytes:
    return json.dumps({"id": ident, "size": size, "kind": kind, "name": "/etc/x", **more}).encode()


def number(ident: int) -> bytes:
    return struct.pack("<I", ident)


def send(collector: Collector, content: bytes, *, ident: int = 1, **about: Any) -> Any:
    collector.begin("keeper", begin(ident, len(content), **about))
    for at in range(0, len(content), 1000):
        collector.data("keeper", number(ident) + content[at : at + 1000])
    return collector.end("keeper", number(ident))


def files(out: Path) -> list[Path]:
    return sorted(path for path in out.rglob("*") if path.is_file())


def test_a_blob_becomes_a_file(tmp_path: Path) -> None:
    collector = Collector(tmp_path)
    about, artifact, content = send(collector, b"x" * 2500, name="/tmp/../../evil", path="/tmp/evil")
    assert content == b"x" * 2500
    assert about["path"] == "/tmp/evil"
    assert artifact.name == "/tmp/../../evil"
    assert artifact.sha256 == hashlib.sha256(content).hexdigest()
    (written,) = files(tmp_path)
    assert written == tmp_path / artifact.path == tmp_path / "dropped" / f"{artifact.sha256[:32]}.bin"
    assert written.stat().st_mode & 0o777 == 0o600
    assert collector.lost == 0


def test_the_same_content_is_one_file(tmp_path: Path) -> None:
    collector = Collector(tmp_path)
    send(collector, b"same", name="/a")
    send(collector, b"same", ident=2, name="/b")
    assert [artifact.name for artifact in collector.artifacts] == ["/a", "/b"]
    assert len(files(tmp_path)) == 1


def test_ports_have_numbers_of_their_own(tmp_path: Path) -> None:
    collector = Collector(tmp_path)
    collector.begin("keeper", begin(1, 1))
    collector.begin("internet", begin(1, 1, "body"))
    collector.data("keeper", number(1) + b"k")
    collector.data("internet", number(1) + b"i")
    assert [collector.end(port, number(1))[2] for port in ("keeper", "internet")] == [b"k", b"i"]  # type: ignore[index] # both are whole


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"id": 1e400}', b'{"id": 1, "size": Infinity, "kind": "dropped"}',
        begin(size=-1), begin(size=1 << 40), begin(size="3"), begin(size=2.5), begin(size=None), begin(ident=[]),
        begin(kind="program"), begin(kind=["dropped"]), begin(kind={}), begin(name=1), begin(name=["x"]),
        b'{"id": 1, "size": 3}', b"\xff\xfe",
    ],
)  # fmt: skip
def test_an_odd_begin_is_one_loss(tmp_path: Path, payload: bytes) -> None:
    collector = Collector(tmp_path)
    collector.begin("keeper", payload)
    collector.data("keeper", number(1) + b"abc")
    assert collector.end("keeper", number(1)) is None
    assert collector.lost == 1
    assert files(tmp_path) == []


def test_more_or_less_than_was_said_is_refused(tmp_path: Path) -> None:
    collector = Collector(tmp_path)
    collector.begin("keeper", begin(1, 3))
    collector.data("keeper", number(1) + b"abcd")
    assert collector.end("keeper", number(1)) is None
    collector.begin("keeper", begin(2, 3))
    collector.data("keeper", number(2) + b"ab")
    assert collector.end("keeper", number(2)) is None
    assert collector.lost == 2
    assert files(tmp_path) == []


def test_a_second_begin_does_not_replace_the_first(tmp_path: Path) -> None:
    collector = Collector(tmp_path)
    collector.begin("keeper", begin(1, 3, name="/first"))
    collector.begin("keeper", begin(1, 3, name="/second"))
    collector.data("keeper", number(1) + b"abc")
    found = collector.end("keeper", number(1))
    assert found is not None
    assert found[1].name == "/first"
    assert collector.lost == 1


def test_bounds(tmp_path: Path) -> None:
    collector = Collector(tmp_path, Limits(files=3, file=100, total=250))
    assert send(collector, b"a" * 101) is None  # too large
    assert send(collector, b"a" * 100)
    assert send(collector, b"b" * 100)
    assert send(collector, b"c" * 100) is None  # too much in all
    assert send(collector, b"d" * 50)
    assert send(collector, b"") is None  # too many
    assert (len(collector.artifacts), collector.lost) == (3, 3)
    assert sum(path.stat().st_size for path in files(tmp_path)) == 250


def test_begins_without_end_are_bounded(tmp_path: Path) -> None:
    collector = Collector(tmp_path)
    for ident in range(1000):
        collector.begin("keeper", begin(ident, 1))
    assert collector.lost > 980


def test_a_name_is_cut(tmp_path: Path) -> None:
    _, artifact, _ = send(Collector(tmp_path), b"x", name="n" * 10_000)
    assert len(artifact.name) == 1024


def test_a_screen_becomes_a_picture(tmp_path: Path) -> None:
    collector = Collector(tmp_path)
    for count, colour in enumerate((b"\1\2\3\0", b"\4\5\6\0"), 1):
        _, artifact, _ = send(collector, colour * 6, ident=count, kind="screenshot", width=3, height=2)
        assert (tmp_path / artifact.path).read_bytes().startswith(b"\x89PNG")
        assert artifact.path.startswith(f"screenshots/{count - 1:02d}-")
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize(
    "sizes", [{}, {"width": 3}, {"width": "3", "height": 2}, {"width": 1e300, "height": 2}, {"width": -3, "height": -2},
              {"width": 1 << 40, "height": 1}, {"width": 2, "height": 2}, {"width": None, "height": 2}],
)  # fmt: skip
def test_a_picture_of_another_size_is_refused(tmp_path: Path, sizes: dict[str, Any]) -> None:
    collector = Collector(tmp_path)
    assert send(collector, bytes(24), kind="screenshot", **sizes) is None
    assert collector.lost == 1
    assert files(tmp_path) == []


def test_a_link_that_waits_there_is_not_followed(tmp_path: Path) -> None:
    """The folder may be one that others write to."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    out = tmp_path / "out"
    (out / "dropped").mkdir(parents=True)
    name = hashlib.sha256(b"evil").hexdigest()[:32]
    (out / "dropped" / f"{name}.bin").symlink_to(victim)
    send(Collector(out), b"evil")
    assert victim.read_text() == "untouched"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
ABOUT = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON | st.integers(0, 3),
        "size": JSON | st.integers(0, 64),
        "kind": JSON | st.sampled_from(["dropped", "screenshot", "pcap"]),
        "name": JSON,
        "width": JSON | st.integers(0, 4),
        "height": JSON | st.integers(0, 4),
    },
)
STEP = st.one_of(
    st.tuples(st.just("begin"), st.binary(max_size=40) | ABOUT.map(lambda about: json.dumps(about).encode())),
    st.tuples(st.just("data"), st.binary(max_size=64)),
    st.tuples(st.just("data"), st.integers(0, 3).map(number).map(lambda ident: ident + b"\0" * 16)),
    st.tuples(st.just("end"), st.binary(max_size=8) | st.integers(0, 3).map(number)),
)


@given(st.lists(STEP, max_size=30))
def test_nothing_a_guest_sends_raises_or_escapes(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bytes]]
) -> None:
    out = tmp_path_factory.mktemp("out")
    collector = Collector(out, Limits(files=4, file=40, total=100))
    for step, payload in steps:
        getattr(collector, step)("keeper", payload)
    assert len(collector.artifacts) <= 4
    for artifact in collector.artifacts:
        place = out / artifact.path
        assert place.resolve().is_relative_to(out.resolve())
        assert not place.stat().st_mode & 0o111
        assert artifact.size <= 40 or artifact.kind == "screenshot"
