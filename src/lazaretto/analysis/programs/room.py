"""How many bytes an unpacker of programs may still give out, and how it says that there was more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lazaretto.analysis.engine import Member

OUTPUT = 256 << 20  # bytes of one run's outputs
MOST_MEMBERS = 4_000


@dataclass
class Room:
    """What is left, in bytes and in members."""

    size: int
    members: int = MOST_MEMBERS

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Room:
        """What the host still has room for, and never more than one run may say."""
        return cls(min(int(options.get("room", OUTPUT)), OUTPUT - (8 << 20)))

    def member(self, name: str, data: bytes, relation: str = "member") -> Member:
        """The member, closed if there is no room for it."""
        if len(data) > self.size or self.members <= 0:
            return Member(name=name, relation=relation, closed="there is more inside than may be unpacked")
        self.size -= len(data)
        self.members -= 1
        return Member(name=name, data=data, relation=relation)
