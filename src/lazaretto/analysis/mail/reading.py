"""Reads a message in whichever form it is stored."""

from __future__ import annotations

from lazaretto.analysis.engine import Subject
from lazaretto.analysis.mail.eml import read_eml
from lazaretto.analysis.mail.message import Message
from lazaretto.analysis.mail.msg import read_msg


def read(subject: Subject) -> Message:
    """The message. Of an MSG that is no compound file, what the library for those raises."""
    return read_msg(subject.data) if subject.kind.name == "msg" else read_eml(subject.data)
