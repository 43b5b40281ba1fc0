"""What a help desk does about a file, in one sentence a status."""

from __future__ import annotations

from collections.abc import Mapping

from lazaretto.domain.verdict import Status

ADVICE: Mapping[Status, str] = {
    Status.UNKNOWN: "It could not be judged. Treat it as untrusted until it can.",
    Status.CLEAN: "It did nothing that harmless files do not do too.",
    Status.SUSPICIOUS: "Do not open it before somebody who knows where it came from has been asked.",
    Status.HIGHLY_SUSPICIOUS: "Do not open it. Where it was opened, look at the computer.",
    Status.MALICIOUS: "Do not open it. Where it was opened, take the computer off the network.",
}

# What those steps are, for the page, which has room for them.
STEPS: Mapping[Status, tuple[str, ...]] = {
    Status.UNKNOWN: (
        "Do not open the file meanwhile.",
        "Read below what was not done and why; where it was bad luck, have the file analysed again.",
    ),
    Status.CLEAN: ("Nothing needs to be done. A clean result says what was seen, not that nothing can be hidden.",),
    Status.SUSPICIOUS: (
        "Ask the sender or the maker by a way you know, not by answering the mail it came with.",
        "Read the reasons: each says what a harmless program would do it for. Does that fit this file?",
    ),
    Status.HIGHLY_SUSPICIOUS: (
        "Keep the file from being opened, and find out who else got it.",
        "Where it was opened, look on that computer for the indicators at the end of this page.",
    ),
    Status.MALICIOUS: (
        "Delete the file wherever it lies, and find out who else got it.",
        "Where it was opened: network off, computer on; passwords used there are to be changed from another one.",
        "Look on other computers for the indicators at the end of this page.",
    ),
}
