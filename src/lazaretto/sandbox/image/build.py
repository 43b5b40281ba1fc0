"""Builds images: parts in order, each kept under its recipe's hash, so that an interrupted build goes on where it was.

    builder  compilers and the kernel package
    *.packages  Debian with the packages of a root, bare
    boot     kernel, initramfs, modules
    tools    the root of keeper, tracer, internet, human
    PROFILE  the sample's world
    state    that world booted, everything started, saved warm

When all is done the parts are thrown away; LAZARETTO_KEEP_PARTS=1 keeps them, for who works on the guests.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

from lazaretto.domain.progress import Listener, Progress
from lazaretto.sandbox.image import furnish, recipe, roots, warm
from lazaretto.sandbox.image.store import FILES, Image, ImageStore, qemu_version, sum_file

log = structlog.get_logger(__name__)


class Builder:
    def __init__(self, store: ImageStore, progress: Listener) -> None:
        self._store = store
        self._progress = progress
        self._parts = store.home / "parts"
        self._guard = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    def build(self, profiles: tuple[str, ...]) -> list[Image]:
        """The current images of `profiles`, made where missing; two parts at a time, since most is unpacking."""
        with self._alone():
            return self._build_and_tidy(profiles)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One build at a time in a home: a second waits, and then finds what the first has made."""
        self._store.home.mkdir(parents=True, exist_ok=True)
        with (self._store.home / "build.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._report("build", "waiting for another build to end")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _build_and_tidy(self, profiles: tuple[str, ...]) -> list[Image]:
        images = self._build(profiles)
        if not os.environ.get("LAZARETTO_KEEP_PARTS"):
            shutil.rmtree(self._parts, ignore_errors=True)
        return images

    def _build(self, profiles: tuple[str, ...]) -> list[Image]:
        missing = [name for name in profiles if not self._folder(name).joinpath("sums.json").is_file()]
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="image") as workers:
            roots_first = [recipe.load("tools"), *map(recipe.load, missing)] if missing else []
            begun: list[Future[Path]] = [workers.submit(self._builder)] if missing else []
            begun += [workers.submit(self._bare, wanted) for wanted in roots_first]
            images = [workers.submit(self._image, profile) for profile in profiles]
            try:
                for part in begun:
                    part.result()
                return [image.result() for image in images]
            except BaseException:
                workers.shutdown(wait=False, cancel_futures=True)
                raise

    def _folder(self, profile: str) -> Path:
        return self._store.home / "images" / f"{profile}-{recipe.image_digest(profile, qemu_version())}"

    def _image(self, profile: str) -> Image:
        folder = self._folder(profile)
        if not (folder / "sums.json").is_file():
            self._make_image(profile, folder)
        self._report(profile, "ready", 1.0)
        return Image(profile=profile, digest=folder.name.rpartition("-")[2], path=folder)

    def _make_image(self, profile: str, folder: Path) -> None:
        wanted = recipe.load(profile)
        boot = self._boot()
        tools = self._tools()
        root = self._profile(wanted)
        folder.parent.mkdir(parents=True, exist_ok=True)
        for old in folder.parent.glob(f".{profile}-*"):
            shutil.rmtree(old)  # of a build that was interrupted
        scratch = Path(tempfile.mkdtemp(prefix=f".{profile}-", dir=folder.parent))
        for source, name in (
            (boot / "vmlinuz", "vmlinuz"), (boot / "initrd", "initrd"), (tools / "root.squashfs", "tools.squashfs"),
            (root / "root.squashfs", "root.squashfs"), (root / "manifest.json", "manifest.json"),
        ):  # fmt: skip
            os.link(source, scratch / name)
        self._report(profile, "booting and warming up")
        warm.save(wanted, scratch, self._store.run_directory, lambda line: self._report(profile, line))
        sums = {name: sum_file(scratch / name) for name in FILES}
        (scratch / "sums.json").write_bytes(msgspec.json.encode(sums))
        scratch.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
        for old in folder.parent.glob(f"{profile}-*"):
            if old != folder:
                shutil.rmtree(old)  # of a recipe that is no more; machines that run have its files open

    # --- parts -----------------------------------------------------------------------------------------------------

    def _builder(self) -> Path:
        return self._part("builder", recipe.load("builder").digest, roots.make_builder)

    def _bare(self, wanted: recipe.Recipe) -> Path:
        def make(out: Path, say: roots.Say) -> None:
            roots.bootstrap(wanted, out / "root", say)

        return self._part(f"{wanted.name}.packages", wanted.packages_digest, make)

    def _boot(self) -> Path:
        digest = recipe.load("builder").digest + recipe.load("tools").digest
        return self._part("boot", digest, lambda out, _say: roots.make_boot(self._builder(), out))

    def _authority(self) -> Path:
        """Apart from the tools, since a profile that is not made anew must trust the same as the tools sign with."""
        bare = recipe.load("tools")
        return self._part(
            "authority", recipe.authority_digest(), lambda out, _: roots.make_authority(self._bare(bare), out)
        )

    def _tools(self) -> Path:
        def make(out: Path, say: roots.Say) -> None:
            compiled = out / "compiled"
            for name in ("keeper", "tracer"):
                roots.compile_sources(self._builder(), recipe.GUEST / name, compiled, say)
            roots.compile_sources(self._builder(), recipe.GUEST / "internet", compiled, say)
            roots.make_tools(
                bare=self._bare(recipe.load("tools")),
                compiled=compiled,
                boot=self._boot(),
                authority=self._authority() / "authority",
                out=out,
                say=say,
            )

        return self._part("tools", recipe.load("tools").digest, make)

    def _profile(self, wanted: recipe.Recipe) -> Path:
        def make(out: Path, say: roots.Say) -> None:
            say("compiling")
            compiled = out / "compiled"
            compiled.mkdir()
            if (wanted.folder / "src/Makefile").is_file():
                roots.compile_sources(self._builder(), wanted.folder / "src", compiled, say)
            say("inventing a user")
            persona = out / "persona"
            persona.mkdir()
            canaries = furnish.write_persona(wanted, persona)
            (out / "manifest.json").write_bytes(msgspec.json.encode(furnish.manifest(wanted, canaries)))
            certificates = self._authority() / "certificates"
            roots.make_profile(
                wanted,
                bare=self._bare(wanted),
                compiled=compiled,
                persona=persona,
                certificates=certificates,
                out=out,
                say=say,
            )
            for scratch in (persona, compiled):
                shutil.rmtree(scratch)

        return self._part(wanted.name, wanted.digest + recipe.authority_digest(), make)

    def _part(self, kind: str, digest: str, make: Callable[[Path, roots.Say], None]) -> Path:
        """The finished part, made if it is not there; only whole parts have the name without a dot."""
        with self._guard:
            making = self._making.setdefault(kind, threading.Lock())
        # One thread makes it, the others wait; parts are needed in one direction, so nobody waits in a ring.
        with making:
            return self._make_part(kind, digest, make)

    def _make_part(self, kind: str, digest: str, make: Callable[[Path, roots.Say], None]) -> Path:
        place = self._parts / f"{kind}-{digest[:32]}"
        if place.is_dir():
            return place
        self._parts.mkdir(parents=True, exist_ok=True)
        for old in [*self._parts.glob(f".{kind}-*"), *self._parts.glob(f"{kind}-*")]:
            shutil.rmtree(old, ignore_errors=True)  # interrupted, or of a recipe that is no more
        scratch = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=self._parts))
        began = time.monotonic()
        log.info("image.stage", stage=kind)
        self._report(kind, "", 0.0)
        make(scratch, lambda line: self._report(kind, line))
        scratch.chmod(0o755)
        scratch.rename(place)
        log.info("image.stage.done", stage=kind, seconds=round(time.monotonic() - began, 1))
        self._report(kind, "done", 1.0)
        return place

    def _report(self, stage: str, detail: str, done: float | None = None) -> None:
        self._progress(Progress(f"image {stage}", done, detail))
