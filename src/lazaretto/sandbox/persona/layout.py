"""Where everything lies: the home of a Linux user, and the user folder of a Windows user."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from lazaretto.sandbox.persona.browsers import chrome_items, firefox_items
from lazaretto.sandbox.persona.documents import document_items
from lazaretto.sandbox.persona.item import Canary, Item, Kind, moment, stream, worked_on
from lazaretto.sandbox.persona.mailbox import mail_items
from lazaretto.sandbox.persona.person import Person
from lazaretto.sandbox.persona.secrets import (
    developer_items,
    history,
    messenger_items,
    safe_item,
    ssh_items,
    transfer_items,
    wallet_items,
    windows_secrets,
)

LINUX_FOLDERS = ("Desktop", "Documents", "Downloads", "Music", "Pictures", "Public", "Templates", "Videos",
                 ".cache", ".config/autostart", ".local/share", ".local/bin")  # fmt: skip
WINDOWS_FOLDERS = (
    "3D Objects", "Contacts", "Desktop", "Documents", "Downloads", "Favorites", "Links", "Music", "Pictures",
    "Saved Games", "Searches", "Videos", "AppData/Local/Temp", "AppData/LocalLow",
    "AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup", "AppData/Roaming/Microsoft/Windows/Recent",
)  # fmt: skip

_BASHRC = """# ~/.bashrc: executed by bash(1) for non-login shells.
case $- in
    *i*) ;;
      *) return;;
esac
HISTCONTROL=ignoreboth
shopt -s histappend checkwinsize
PS1='${debian_chroot:+($debian_chroot)}\\u@\\h:\\w\\$ '
alias ls='ls --color=auto'
alias ll='ls -alF'
"""
_PROFILE = """# ~/.profile: executed by the command interpreter for login shells.
if [ -n "$BASH_VERSION" ] && [ -f "$HOME/.bashrc" ]; then
    . "$HOME/.bashrc"
fi
if [ -d "$HOME/.local/bin" ]; then
    PATH="$HOME/.local/bin:$PATH"
fi
"""


def linux_items(person: Person, now: datetime) -> tuple[Item, ...]:
    """Everything in the person's Linux home."""
    return _sorted(_linux(person, now))


def _linux(person: Person, now: datetime) -> Iterator[Item]:
    documents = list(document_items(person, now))
    yield from documents
    yield from chrome_items(person, now, ".config/google-chrome")
    yield from firefox_items(person, now, ".mozilla/firefox", "")
    yield from mail_items(person, now, ".thunderbird", "")
    yield from developer_items(person)
    yield from wallet_items(person, ".bitcoin", ".electrum", ".config/Exodus")
    yield from transfer_items(person, ".config/filezilla", ".config/openvpn")
    yield from messenger_items(person, ".config/discord", ".local/share/TelegramDesktop")
    yield safe_item(person, "Documents/Personal/Passwords.kdbx")
    yield _history(person, person.user)
    yield from _dotfiles()
    yield _recent(person, now, documents)


def root_items(person: Person) -> tuple[Item, ...]:
    """The administrator's home on a Linux machine: keys, history, a script or two."""
    rng = stream(person.seed, "root")
    password = person.password + "db"
    backup = (
        f"#!/bin/sh\nset -e\nmysqldump -u backup -p'{password}' orders | gzip > /var/backups/"
        f"orders.sql.gz\nrsync -a /var/backups/ backup:/srv/\n"
    )
    items = [*ssh_items(person, "root"), _history(person, "root"), *_dotfiles()]
    items.append(Item("backup.sh", backup.encode(), worked_on(rng), Kind.CREDENTIALS, 0o700))
    items.append(
        Item(".my.cnf", f"[client]\nuser=root\npassword={password}\n".encode(), worked_on(rng), Kind.CREDENTIALS, 0o600)
    )
    return _sorted(items)


def _history(person: Person, user: str) -> Item:
    age = timedelta(days=0, minutes=95)
    return Item(".bash_history", history(person, user).encode(), age, Kind.SHELL_HISTORY, 0o600)


def _dotfiles() -> Iterator[Item]:
    age = timedelta(days=690)
    yield Item(".bashrc", _BASHRC.encode(), age)
    yield Item(".profile", _PROFILE.encode(), age)


def _recent(person: Person, now: datetime, documents: list[Item]) -> Item:
    """The list of recently used files of Linux desktops (the Desktop Bookmark specification)."""
    lines = []
    for item in sorted(documents, key=lambda item: item.age)[:14]:
        at = moment(now, item.age).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines.append(
            f'  <bookmark href="file:///home/{person.user}/{quote(item.path)}" added="{at}" '
            f'modified="{at}" visited="{at}"/>'
        )
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<xbel version="1.0">\n' + "\n".join(lines) + "\n</xbel>\n"
    return Item(".local/share/recently-used.xbel", text.encode(), timedelta(days=0, minutes=30), None, 0o600)


def windows_items(person: Person, now: datetime) -> tuple[Item, ...]:
    """Everything in the person's Windows user folder."""
    return _sorted(_windows(person, now))


def _windows(person: Person, now: datetime) -> Iterator[Item]:
    roaming, local = "AppData/Roaming", "AppData/Local"
    documents = list(document_items(person, now))
    yield from documents
    yield from chrome_items(person, now, f"{local}/Google/Chrome/User Data")
    yield from firefox_items(person, now, f"{roaming}/Mozilla/Firefox", "Profiles/")
    yield from mail_items(person, now, f"{roaming}/Thunderbird", "Profiles/")
    yield from developer_items(person)
    yield from wallet_items(person, f"{roaming}/Bitcoin", f"{roaming}/Electrum", f"{roaming}/Exodus")
    yield from transfer_items(person, f"{roaming}/FileZilla", "OpenVPN/config")
    yield from messenger_items(person, f"{roaming}/discord", f"{roaming}/Telegram Desktop")
    yield from windows_secrets(person, roaming, local)
    yield safe_item(person, "Documents/Personal/Passwords.kdbx")
    for item in sorted(documents, key=lambda item: item.age)[:14]:
        name = item.path.rsplit("/", 1)[-1]
        yield Item(f"{roaming}/Microsoft/Windows/Recent/{name}.lnk", _shortcut(person, now, item), item.age)
    for site in person.sites[:5]:
        link = f"[InternetShortcut]\r\nURL=https://{site}/\r\n"
        yield Item(f"Favorites/{site.split('.')[-2].capitalize()}.url", link.encode(), timedelta(days=400))


def _shortcut(person: Person, now: datetime, item: Item) -> bytes:
    """A shell link ([MS-SHLLINK]) to the item: header, then relative path and working directory as text."""
    stamp = int((moment(now, item.age).timestamp() + 11644473600) * 10_000_000)
    head = struct.pack("<I", 0x4C) + bytes.fromhex("0114020000000000c000000000000046")
    head += struct.pack("<IIQQQIiIHHII", 0x98, 0x20, stamp, stamp, stamp, len(item.content), 0, 1, 0, 0, 0, 0)
    target = "..\\..\\..\\..\\..\\" + item.path.replace("/", "\\")
    folder = f"C:\\Users\\{person.user}\\" + item.path.rsplit("/", 1)[0].replace("/", "\\")
    texts = b"".join(struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in (target, folder))
    return head + texts + struct.pack("<I", 0)


def write_linux(
    person: Person, now: datetime, root: Path, home: str, owner: tuple[int, int] | None = None
) -> tuple[Canary, ...]:
    """Write the person's home at `home` ("/home/anna") and the administrator's at /root, below `root`.

    `owner` is the uid and gid that the person's files get (None: leave them); the administrator's stay the writer's.
    Returns the canaries with their paths as seen from inside.
    """
    place = root / home.lstrip("/")
    person_items, admin_items = linux_items(person, now), root_items(person)
    _write(person, now, place, person_items, LINUX_FOLDERS, owner)
    _write(person, now, root / "root", admin_items, (), None)
    (root / "root").chmod(0o700)
    return (
        *_canaries(person_items, lambda path: f"{home}/{path}"),
        *_canaries(admin_items, lambda path: f"/root/{path}"),
    )


def write_windows(
    person: Person, now: datetime, home: Path, owner: tuple[int, int] | None = None
) -> tuple[Canary, ...]:
    """Write the person's Windows user folder at `home` (drive_c/users/NAME); canaries have paths like
    C:\\users\\anna\\..."""
    items = windows_items(person, now)
    _write(person, now, home, items, WINDOWS_FOLDERS, owner)
    return _canaries(items, lambda path: f"C:\\users\\{person.user}\\" + path.replace("/", "\\"))


def _sorted(items: Iterable[Item]) -> tuple[Item, ...]:
    found = {item.path: item for item in items}
    return tuple(found[path] for path in sorted(found))


def _canaries(items: Iterable[Item], place: Callable[[str], str]) -> tuple[Canary, ...]:
    return tuple(Canary(f"{item.kind}:{item.path}", item.kind, place(item.path)) for item in items if item.kind)


def _write(  # noqa: PLR0917 - as many as the thing has parts
    person: Person,
    now: datetime,
    home: Path,
    items: Iterable[Item],
    folders: Iterable[str],
    owner: tuple[int, int] | None,
) -> None:
    for folder in folders:
        (home / folder).mkdir(parents=True, exist_ok=True)
    times: dict[Path, float] = {}
    for item in items:
        path = home / item.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.content)
        path.chmod(item.mode)
        at = moment(now, item.age).timestamp()
        os.utime(path, (at, at))
        for parent in path.relative_to(home).parents:
            times[home / parent] = max(at, times.get(home / parent, 0))
    for private in (".ssh", ".gnupg", ".aws", ".mozilla"):
        if (home / private).is_dir():
            (home / private).chmod(0o700)
    for path in sorted((path for path in home.rglob("*") if path.is_dir()), reverse=True):
        fallback = (now - worked_on(stream(person.seed, path.name), youngest=100)).timestamp()
        os.utime(path, (times.get(path, fallback),) * 2)
    if owner:
        for path in (home, *home.rglob("*")):
            os.chown(path, *owner)
