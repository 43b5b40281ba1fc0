"""The person whose machine a sample believes to be on: a name, a company, habits, and the files of two years of work.

All of it follows from a seed and a base date, so an image can be built twice with the same bytes. Nothing here is real:
the keys open nothing, the passwords were never used, the people do not exist. The files that nothing on the machine
itself ever needs are *canaries*: reading or changing one is an event of its own (`CanaryTouched`).

Use: `make_person(seed)`, then `write_linux(person, now, root, home)` or `write_windows(person, now, home)`; both write
the files with their times and return the canaries, `canaries_to_json` makes the guest's manifest of them.
"""

from lazaretto.sandbox.persona.item import Canary, Item, Kind, canaries_from_json, canaries_to_json
from lazaretto.sandbox.persona.layout import linux_items, windows_items, write_linux, write_windows
from lazaretto.sandbox.persona.person import Person, make_person

__all__ = [
    "Canary",
    "Item",
    "Kind",
    "Person",
    "canaries_from_json",
    "canaries_to_json",
    "linux_items",
    "make_person",
    "windows_items",
    "write_linux",
    "write_windows",
]
