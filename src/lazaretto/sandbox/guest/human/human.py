"""The human's day: react to what appears, look around now and then, keep pictures of what changed."""

from __future__ import annotations

import json
import os
import selectors
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from Xlib import error

from . import plan
from .hand import Hand, Seen
from .screen import Screen

FOLDER = Path("/run/lazaretto")
MOST_PICTURES = 8
MOST_WINDOWS = 200
SEEN = len(plan.ANSWERS)
"""As many answers as there are: nothing more is done with the window."""
CHANGED = 0.012
"""Share of the sampled pixels that makes it another picture."""
READING = 0.7
"""Guest seconds until a new window is drawn and understood."""
REST = 8.0
"""Guest seconds after an action in which the hand need not be moved only to be moved."""
PATIENCE = 1.6
"""Guest seconds between two answers to a dialog that stays."""


# Programs that take letters for commands, and documents that are there to be read.
_NOT_TYPED_INTO = ("xpdf", "dillo", "office")


@dataclass
class Known:
    """A window on the screen and what the human still wants to do with it."""

    seen: Seen
    due: float
    answers: int = 0


class Human:
    def __init__(self, hand: Hand, screen: Screen, most_pictures: int = MOST_PICTURES) -> None:
        self.hand = hand
        self.screen = screen
        self.most_pictures = most_pictures
        self.running = False
        self.pictures = 0
        self.windows: dict[int, Known] = {}
        self.unseen: set[int] = set()  # nothing to look at; the X server tells when one of them is shown
        self.reported = 0
        self.acted = 0.0  # when the hand last did something of use
        self.before = screen.sample()
        self._moments: Iterator[float] = iter(())
        self._next: float | None = None
        self._look_again: float | None = None

    # --- the loop -----------------------------------------------------------------------------------------------------

    def look_around(self) -> None:
        """What is on the screen before there is a sample is not news. Asked for before the warm state is saved."""
        self.hand.new_windows()
        self.hand.find_desktop()
        self._find_unknown(0.0, SEEN)
        self.before = self.screen.sample()

    def start(self) -> None:
        """From now on the sample may be running."""
        self.running = True
        self.began = time.monotonic()
        self._moments = plan.moments()
        self._plan_next()

    def stop(self) -> None:
        self.running = False
        self._picture(last=True)
        say(event="stopped")

    def wait(self) -> float | None:
        """Seconds until something is to be done without being asked; None: nothing."""
        times = [known.due for known in self.windows.values() if known.due]
        times += [at for at in (self._next, self._look_again) if at is not None]
        return max(0.0, min(times) - time.monotonic()) if times and self.running else None

    def on_display(self) -> None:
        """The X server has something to tell."""
        appeared = self.hand.new_windows()
        self.unseen.difference_update(window.id for window in appeared)
        if not self.running:
            return
        now = time.monotonic()
        for window in appeared:
            if window.id not in self.windows and len(self.windows) < MOST_WINDOWS:
                if seen := self.hand.look(window):
                    self.windows[window.id] = Known(seen, now + READING)
                else:
                    self._look_again = now + READING

    def on_time(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        if self._look_again is not None and self._look_again <= now:
            self._look_again = None
            self._find_unknown(now)
            self._picture()
        for key, known in list(self.windows.items()):
            if known.due and known.due <= now:
                self._attend(key, known)
        if self._next is not None and self._next <= now:
            self._plan_next()
            self._find_unknown(now)
            if now - self.acted > REST:
                self.hand.wander()
            self._picture()

    def _plan_next(self) -> None:
        at = next(self._moments, None)
        self._next = None if at is None else self.began + at

    def _find_unknown(self, now: float, answers: int = 0) -> None:
        """Windows whose appearance was missed, and those that show something else by now: another title."""
        for window in self.hand.top_levels():
            known = self.windows.get(window.id)
            if window.id in self.unseen or (known is None and len(self.windows) >= MOST_WINDOWS):
                continue
            seen = self.hand.look(window)
            if seen is None and len(self.unseen) < MOST_WINDOWS:
                self.unseen.add(window.id)
            elif seen and (known is None or known.seen.title != seen.title):
                self.windows[window.id] = Known(seen, now, answers)

    # --- what it does with a window -----------------------------------------------------------------------------------

    def _attend(self, key: int, known: Known) -> None:
        known.due = 0
        seen = self.hand.look(self.hand.display.create_resource_object("window", key))
        if seen is None:
            del self.windows[key]  # closed; its number may be used again
            return
        if known.answers == 0:
            self._report(seen)
            self._picture()
        known.seen = seen
        if known.answers >= SEEN:
            return
        if seen.dialog:
            self._answer(known)
        elif known.answers == 0:
            known.answers = SEEN
            self._read(seen)
            self._look_again = time.monotonic() + READING

    def _answer(self, known: Known) -> None:
        keys = plan.ANSWERS[known.answers]
        if known.answers == 0:
            self.hand.move(*known.seen.middle)
        self.hand.press(*keys)
        say(event="action", what="press " + "+".join(keys), title=known.seen.title)
        self.acted = time.monotonic()
        known.answers += 1
        known.due = time.monotonic() + PATIENCE

    def _read(self, seen: Seen) -> None:
        """A document or program: look at it, follow what invites, scroll, type a little."""
        top = seen.y + seen.height // 6  # below title, menu and tools
        rows = [
            (y, self.screen.row(y, max(seen.x, 0), min(seen.x + seen.width, self.screen.width)))
            for y in range(max(top, 0), min(seen.y + seen.height - 24, self.screen.height), 12)
        ]
        places = plan.inviting(rows, max(seen.x, 0))
        office = "office" in seen.window_class.lower()
        for x, y in places or [seen.middle]:
            # A link in a text document is only followed with the control key held; in anything else it must not be.
            self.hand.click(x, y, *(("Control_L",) if office and places else ()))
            say(event="action", what="click", title=seen.title, x=x, y=y)
            time.sleep(0.15)
        self.hand.scroll(3)
        if not any(name in seen.window_class.lower() for name in _NOT_TYPED_INTO):
            self.hand.type("ok")
        self.hand.scroll(2, down=False)
        self.acted = time.monotonic()
        say(event="action", what="read", title=seen.title)

    # --- what it tells ------------------------------------------------------------------------------------------------

    def _report(self, seen: Seen) -> None:
        self.reported += 1
        if self.reported <= MOST_WINDOWS:
            geometry = [seen.x, seen.y, seen.width, seen.height]
            say(event="window", title=seen.title, **{"class": seen.window_class}, geometry=geometry, dialog=seen.dialog)

    def _picture(self, last: bool = False) -> None:
        """Keep the screen if it is a new one. The last place is kept for the end of the run."""
        now = self.screen.sample()
        room = self.most_pictures if last else self.most_pictures - 1
        if self.pictures >= room or plan.difference(self.before, now) < CHANGED:
            return
        self.before = now
        self.pictures += 1
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"picture-{self.pictures}"
        path.write_bytes(self.screen.pixels())
        say(file=str(path), width=self.screen.width, height=self.screen.height)


def say(**what: object) -> None:
    sys.stdout.write(json.dumps({"time": time.monotonic_ns(), **what}) + "\n")
    sys.stdout.flush()


def run(socket: str, framebuffer: str) -> None:
    """Until standard input ends. A sample may take the display away: then there is nothing left to do but to say so."""
    human = Human(Hand(socket), Screen(framebuffer))
    human.hand.wander()  # everything that the first movement loads is loaded before the warm state is saved
    try:
        _live(human)
    except error.ConnectionClosedError:
        for line in sys.stdin.buffer:
            if line.strip() == b"stop":
                say(event="stopped")


def _live(human: Human) -> None:
    text = b""
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ, "line")
        selector.register(human.hand.display.fileno(), selectors.EVENT_READ, "display")
        while True:
            for key, _ in selector.select(human.wait()):
                if key.data == "display":
                    human.on_display()
                    continue
                chunk = os.read(0, 4096)
                if not chunk:
                    return
                *lines, text = (text + chunk).split(b"\n")
                for line in lines:
                    if line == b"look":
                        human.look_around()
                        sys.stdout.write("looked\n")
                        sys.stdout.flush()
                    elif line == b"start":
                        human.start()
                    elif line == b"stop":
                        human.stop()
            if human.running:
                human.on_display()  # answers read while acting may have brought events with them
                human.on_time()
