"""Mouse, keyboard and the list of windows, by way of the X server (XTEST and the core protocol)."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from Xlib import XK, X, Xatom, display, error
from Xlib.ext import xtest

from . import plan

_DEPTH = 3
_TEXT_MOST = 512


@dataclass(frozen=True)
class Seen:
    """A window that a person would notice."""

    id: int
    title: str
    window_class: str
    x: int
    y: int
    width: int
    height: int
    dialog: bool

    @property
    def middle(self) -> plan.Point:
        return self.x + self.width // 2, self.y + self.height // 2


def connect(socket: str) -> Any:
    """The display behind a socket anywhere in the file system: the library only looks in one place."""
    number = 90 + os.getpid() % 1000
    there = Path(f"/tmp/.X11-unix/X{number}")
    there.parent.mkdir(parents=True, exist_ok=True)
    there.symlink_to(socket)
    try:
        return display.Display(f":{number}")
    finally:
        there.unlink()


class Hand:
    def __init__(self, socket: str) -> None:
        self.display = connect(socket)
        self.display.set_error_handler(lambda *_: None)  # windows vanish between two questions
        self.root = self.display.screen().root
        self.width = self.display.screen().width_in_pixels
        self.height = self.display.screen().height_in_pixels
        self._choose = random.Random()
        self.desktop: Any = None
        self.inside: set[int] = set()  # windows that lie in the desktop
        self._keys = {
            name: self.display.keysym_to_keycode(XK.string_to_keysym(name)) for name in ("Return", "Tab", "space")
        }
        self.root.change_attributes(event_mask=X.SubstructureNotifyMask)
        self.display.sync()

    # --- input --------------------------------------------------------------------------------------------------------

    def where(self) -> plan.Point:
        answer = self.root.query_pointer()
        return answer.root_x, answer.root_y

    def move(self, x: int, y: int) -> None:
        end = max(1, min(self.width - 2, x)), max(1, min(self.height - 2, y))
        for point in plan.curve(self.where(), end, self._choose):
            xtest.fake_input(self.display, X.MotionNotify, x=point[0], y=point[1])
            self.display.flush()
            time.sleep(self._choose.uniform(0.008, 0.022))

    def wander(self) -> None:
        self.move(self._choose.randrange(self.width), self._choose.randrange(self.height))

    def click(self, x: int, y: int, *held: str) -> None:
        self.move(x, y)
        for name in held:
            self._key(X.KeyPress, name)
        self._button(1)
        for name in reversed(held):
            self._key(X.KeyRelease, name)
        self.display.flush()

    def scroll(self, times: int, down: bool = True) -> None:
        for _ in range(times):
            self._button(5 if down else 4)
            time.sleep(self._choose.uniform(0.05, 0.2))

    def press(self, *names: str) -> None:
        """Keys one inside the other: ("Alt_L", "y") is Alt+Y; ("Tab", "space") are two strokes."""
        if names[0] == "Tab":
            for name in names:
                self.press_one(name)
            return
        for name in names:
            self._key(X.KeyPress, name)
        time.sleep(self._choose.uniform(0.03, 0.09))
        for name in reversed(names):
            self._key(X.KeyRelease, name)
        self.display.flush()

    def press_one(self, name: str) -> None:
        self._key(X.KeyPress, name)
        time.sleep(self._choose.uniform(0.03, 0.09))
        self._key(X.KeyRelease, name)
        self.display.flush()

    def type(self, text: str) -> None:
        for letter in text:
            self.press_one("space" if letter == " " else letter)
            time.sleep(self._choose.uniform(0.06, 0.25))

    def _key(self, what: int, name: str) -> None:
        code = self._keys.get(name)
        if code is None:
            code = self._keys[name] = self.display.keysym_to_keycode(XK.string_to_keysym(name))
        if code:
            xtest.fake_input(self.display, what, code)

    def _button(self, number: int) -> None:
        xtest.fake_input(self.display, X.ButtonPress, number)
        self.display.flush()
        time.sleep(self._choose.uniform(0.04, 0.11))
        xtest.fake_input(self.display, X.ButtonRelease, number)
        self.display.flush()

    # --- windows ------------------------------------------------------------------------------------------------------

    def find_desktop(self) -> None:
        """Wine's desktop is one large window, in which all others lie. Asked for before there is a sample."""
        for window in self.root.query_tree().children:
            place, names = window.get_geometry(), window.get_wm_class() or ()
            if place.width >= self.width and place.height >= self.height and "explorer.exe" in names:
                self.desktop = window
                window.change_attributes(event_mask=X.SubstructureNotifyMask)
                self.inside = {child.id for child in window.query_tree().children}

    def new_windows(self) -> list[Any]:
        """Windows that appeared since the last call; also empties the queue of events."""
        found = []
        while self.display.pending_events():
            event = self.display.next_event()
            if event.type != X.MapNotify:
                continue
            if self.desktop is not None and event.event == self.desktop:
                self.inside.add(event.window.id)
                found.append(event.window)
            elif event.event == self.root:
                found.append(event.window)
        return found

    def top_levels(self) -> list[Any]:
        found = list(self.root.query_tree().children)
        if self.desktop is not None:
            below = self.desktop.query_tree().children
            self.inside = {child.id for child in below}
            found += below
        return found

    def look(self, window: Any) -> Seen | None:
        """What a person sees of a child of the root; None for menus, tips and what is gone already."""
        try:
            about = window.get_attributes()
            inside = window.id in self.inside  # there nothing is managed: menus and tips are those without a title
            if about.map_state != X.IsViewable or (about.override_redirect and not inside):
                return None
            place = window.get_geometry()
            client = self._client(window, _DEPTH) or window
            names = client.get_wm_class() or ()
            title = self._title(client)
            if inside and not title:
                return None
            small = inside and place.width * 2 < self.width and place.height * 3 < self.height
            return Seen(
                id=window.id, title=title, window_class=".".join(names)[:_TEXT_MOST], x=place.x,
                    y=place.y,
                width=place.width, height=place.height, dialog=small or self._is_dialog(client),
            )  # fmt: skip
        except (error.XError, AttributeError):  # what other programs put into properties can be anything
            return None

    def _client(self, window: Any, depth: int) -> Any:
        """The program's own window inside the frames that a window manager put around it."""
        if window.get_wm_class():
            return window
        if depth:
            # a frame's decorations lie below the window that they are for; each question costs a round trip
            for child in reversed(window.query_tree().children):
                if found := self._client(child, depth - 1):
                    return found
        return None

    def _title(self, client: Any) -> str:
        atom = self.display.intern_atom("_NET_WM_NAME")
        found = client.get_full_property(atom, X.AnyPropertyType) or client.get_full_property(
            Xatom.WM_NAME, X.AnyPropertyType
        )
        value = found.value if found else b""
        return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))[:_TEXT_MOST]

    def _is_dialog(self, client: Any) -> bool:
        kind = client.get_full_property(self.display.intern_atom("_NET_WM_WINDOW_TYPE"), Xatom.ATOM)
        if kind and self.display.intern_atom("_NET_WM_WINDOW_TYPE_DIALOG") in kind.value:
            return True
        return client.get_wm_transient_for() is not None
