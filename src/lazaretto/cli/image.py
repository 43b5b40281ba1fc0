"""`lazaretto image`: the guests in which files are run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Group, Parameter
from rich.table import Table
from rich.text import Text

from lazaretto.cli import progress
from lazaretto.cli.common import ARGUMENTS, DEFAULT, OPTIONS, Common
from lazaretto.cli.errors import CannotRun, Exit, WrongUsage
from lazaretto.cli.inputs import regular_files
from lazaretto.cli.terminal import Terminal
from lazaretto.domain.text import many, plain, size

if TYPE_CHECKING:
    from lazaretto.sandbox.image.store import Image, ImageStore

app = App(
    name="image",
    help="""Build, list, verify or remove the guests in which files are run.

    A guest is made from Debian packages by a recipe, booted, and saved warm. It is named by the hash of its recipe, so
    a build makes only what changed, and one that was interrupted goes on where it was.
    """,
    help_epilogue="",
    group_arguments=ARGUMENTS,
    group_parameters=OPTIONS,
    group_commands=Group("Guests"),
)


@app.command(help_epilogue="")
def build(
    *profiles: str,
    for_: Annotated[list[Path] | None, Parameter(name="--for", consume_multiple=True, show_default=False)] = None,
    common: Common = DEFAULT,
) -> int:
    """Make the guests whose recipe changed, or that are not there yet.

    Needs root where there is something to make, since a guest's root file system has files of many users in it.

    Parameters
    ----------
    profiles
        Which guests: windows, linux, office. All without any.
    for_
        Only the guests that these files need.
    """
    terminal = Terminal.of(common)
    store = _store()
    made: Sequence[Image]
    names = _known(profiles) if for_ is None else _needed(for_)
    if os.geteuid() == 0:
        with progress.shown(terminal) as listener:
            made = store.build(names, listener)
    else:
        made = _built_already(store, names, build_command(store.home, names if profiles or for_ else ()))
    for image in made:
        terminal.emit(_record(image))
    terminal.say(f"{many(len(made), 'guest')} ready in {store.home}: {', '.join(image.profile for image in made)}")
    return Exit.DONE


@app.command(name="list", help_epilogue="")
def list_(*, common: Common = DEFAULT) -> int:
    """Show the guests that are there, and whether today's recipe would make the same."""
    terminal = Terminal.of(common)
    store = _store()
    images = store.list()
    for image in images:
        terminal.emit(_record(image))
    if images:
        terminal.say(_table(images))
    else:
        terminal.say(f"no guests in {store.home} yet; make them with: lazaretto image build")
    return Exit.DONE


@app.command(help_epilogue="")
def verify(*, common: Common = DEFAULT) -> int:
    """Compare every file of every guest with what was written when it was built."""
    terminal = Terminal.of(common)
    store = _store()
    checks = store.verify()
    for check in checks:
        terminal.emit({**_record(check.image), "problems": check.problems})
        told = Text.assemble((check.image.profile, "bold"), "  ", check.image.digest, "  ")
        told.append(
            "; ".join(plain(problem) for problem in check.problems) or "whole", "red" if check.problems else "green"
        )
        terminal.say(told)
    if not checks:
        terminal.note(f"no guests in {store.home} yet; make them with: lazaretto image build")
    return Exit.FAILED if any(check.problems for check in checks) else Exit.DONE


@app.command(help_epilogue="")
def remove(
    *names: str, all_: Annotated[bool, Parameter(negative="", show_default=False)] = False, common: Common = DEFAULT
) -> int:
    """Remove guests; they can be built again at any time.

    Parameters
    ----------
    names
        Profiles (windows), or one image as PROFILE-DIGEST.
    all_
        Remove all guests, and what an interrupted build left.
    """
    terminal = Terminal.of(common)
    if bool(names) == all_:
        raise WrongUsage("say which guests to remove", "name them, or use --all; lazaretto image list shows them")
    removed = _store().remove(names)
    for image in removed:
        terminal.emit(_record(image))
    freed = sum(image.size for image in removed)
    terminal.say(f"{many(len(removed), 'guest')} removed, {size(freed)} freed")
    return Exit.DONE


def faults(home: Path) -> dict[str, str]:
    """Every profile and what is wrong with its guest: "" where it is built by today's recipe and whole."""
    from lazaretto.domain.errors import LazarettoError  # noqa: PLC0415  with the sandbox, only when asked
    from lazaretto.sandbox.image import recipe  # noqa: PLC0415
    from lazaretto.sandbox.image.store import ImageStore  # noqa: PLC0415

    found = dict.fromkeys(recipe.PROFILES, "not built")
    try:
        for check in ImageStore(home).verify():
            if check.image.current:
                found[check.image.profile] = "; ".join(check.problems)
            elif found.get(check.image.profile) == "not built":
                found[check.image.profile] = "built by an older recipe"
    except (LazarettoError, OSError) as error:
        return {profile: str(error) for profile in found}
    return found


def build_command(home: Path, profiles: tuple[str, ...] = ()) -> str:
    """What this user has to type to build guests into `home`."""
    words = ["image", "build", *profiles]
    if os.geteuid() == 0:
        return " ".join(["lazaretto", *words])
    return " ".join(["sudo", f"LAZARETTO_HOME={home}", str(Path(sys.argv[0]).absolute()), *words])


def _store() -> ImageStore:
    from lazaretto.sandbox.image.store import ImageStore  # noqa: PLC0415  help needs no sandbox

    return ImageStore()


def _built_already(store: ImageStore, names: tuple[str, ...], command: str) -> Sequence[Image]:
    """The current images of these profiles, for a user who could not make one."""
    from lazaretto.domain.errors import ImageMissing  # noqa: PLC0415  help needs no sandbox

    try:
        return [store.find(name) for name in names]
    except ImageMissing as missing:
        raise CannotRun("guests are built as root", command) from missing


def _needed(files: list[Path]) -> tuple[str, ...]:
    """The guests in which these files would be run."""
    from lazaretto.analysis.identify import identify  # noqa: PLC0415  help needs no analysis
    from lazaretto.analysis.read import MAX_SIZE, read_sample  # noqa: PLC0415

    kinds = [identify(read_sample(path, MAX_SIZE), path.name) for path in regular_files(files)]
    return tuple(sorted({kind.profile for kind in kinds if kind.profile}))


def _known(profiles: tuple[str, ...]) -> tuple[str, ...]:
    from lazaretto.sandbox.image import recipe  # noqa: PLC0415  help needs no sandbox

    for name in profiles:
        if name not in recipe.PROFILES:
            raise WrongUsage(f"there is no guest {plain(name)}", f"choose from: {', '.join(recipe.PROFILES)}")
    return profiles or recipe.PROFILES


def _record(image: Image) -> dict[str, Any]:
    return {
        "profile": image.profile,
        "digest": image.digest,
        "path": str(image.path),
        "size": image.size,
        "current": image.current,
    }


def _table(images: list[Image]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("guest", "image", "size", ""):
        table.add_column(column, no_wrap=True)
    for image in images:
        state = Text("current", "green") if image.current else Text("older recipe: build again or remove", "yellow")
        table.add_row(image.profile, image.digest, size(image.size), state)
    return table
