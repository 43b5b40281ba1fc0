"""A recipe's hash names its image: whatever changes the image changes the name, and nothing else does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lazaretto.domain.errors import Unsupported
from lazaretto.sandbox.image import recipe


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the guests' sources that a test may change."""
    copy = tmp_path / "guest"
    shutil.copytree(recipe.GUEST, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(recipe, "GUEST", copy)
    persona = tmp_path / "persona"
    shutil.copytree(recipe.PERSONA, persona, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(recipe, "PERSONA", persona)
    return copy


def digests() -> dict[str, str]:
    return {name: recipe.load(name).digest for name in ("builder", "tools", *recipe.PROFILES)}


def changed(before: dict[str, str]) -> set[str]:
    return {name for name, digest in digests().items() if digest != before[name]}


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("\n# changed\n")


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("linux/setup.sh", {"linux"}),
        ("linux/src/idle.c", {"linux"}),
        ("windows/relay.txt", {"windows"}),
        ("office/trim.txt", {"office"}),
        ("keeper/session.c", {"tools"}),
        ("tracer/record.h", {"tools"}),
        ("internet/dns.py", {"tools"}),
        ("human/plan.py", {"tools"}),
        ("tools/init", {"tools"}),
        ("builder/profile.toml", {"builder"}),
    ],
)
def test_a_changed_file_changes_what_is_made_of_it(guest: Path, file: str, names: set[str]) -> None:
    before = digests()
    append(guest / file)
    assert changed(before) == names


def test_a_persona_is_part_of_every_profile(guest: Path) -> None:
    before = digests()
    append(recipe.PERSONA / "person.py")
    assert changed(before) == set(recipe.PROFILES)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "new").write_text("new"),
        lambda folder: (folder / "setup.sh").unlink(),
        lambda folder: (folder / "setup.sh").rename(folder / "renamed.sh"),
        lambda folder: (folder / "trim.txt").chmod(0o755),
        lambda folder: (folder / "link").symlink_to("/nowhere"),
    ],
    ids=["new file", "gone", "renamed", "made executable", "new link"],
)
def test_every_change_counts(guest: Path, change: Callable[[Path], object]) -> None:
    before = digests()
    change(guest / "linux")
    assert changed(before) == {"linux"}


def test_what_no_image_contains_does_not_count(guest: Path) -> None:
    before = digests()
    (guest / "linux/README.md").write_text("how to work on this")
    (guest / "keeper/__pycache__").mkdir()
    (guest / "keeper/__pycache__/keeper.cpython-311.pyc").write_bytes(b"x")
    os.utime(guest / "linux/setup.sh", (0, 0))
    assert changed(before) == set()


def test_packages_name_the_bare_root(guest: Path) -> None:
    """It is the slowest part, and is kept while only our own files change."""
    bare = recipe.load("linux").packages_digest
    append(guest / "linux/setup.sh")
    assert recipe.load("linux").packages_digest == bare
    table = guest / "linux/profile.toml"
    table.write_text(table.read_text().replace('"bash",', '"bash", "zsh",', 1))
    assert recipe.load("linux").packages_digest != bare


def test_an_image_depends_on_all_its_parts(guest: Path) -> None:
    names = {recipe.image_digest("linux", "QEMU 7.2")}
    names.add(recipe.image_digest("linux", "QEMU 7.3"))
    for file in ("builder/profile.toml", "tools/init", "linux/setup.sh"):
        append(guest / file)
        names.add(recipe.image_digest("linux", "QEMU 7.2"))
    assert len(names) == 5
    assert all(len(name) == 16 for name in names)


@pytest.mark.parametrize("name", recipe.PROFILES)
def test_profiles_have_what_the_sandbox_asks_of_them(name: str) -> None:
    loaded = recipe.load(name)
    assert {"hostname", "user", "home"} <= set(loaded.session)
    for launch, way in loaded.settings["run"].items():
        assert ("argv" in way) != ("line" in way), launch
        assert "{path}" in " ".join([*way.get("argv", ()), way.get("line", "")]), launch
    started = {step.get("name") for step in loaded.session["start"]}
    asked = {way.get(word) for way in loaded.settings["run"].values() for word in ("through", "join")} - {None}
    assert asked <= started


def test_an_unknown_profile() -> None:
    with pytest.raises(Unsupported, match="linux, windows, office"):
        recipe.load("beos")
