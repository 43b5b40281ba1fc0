"""What the receiving server wrote of a mail's authentication: Authentication-Results, RFC 8601."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lazaretto.analysis.mail.message import Message

_COMMENT = re.compile(r"\([^()]{0,1000}\)")
_RESULT = re.compile(r"(?i)\b(spf|dkim|dmarc|arc)\s*=\s*([a-z]+)")


@dataclass(frozen=True)
class Stamped:
    """`server` is who wrote it; for each method the results, lower case (pass, fail, softfail, none, ...)."""

    server: str
    results: dict[str, tuple[str, ...]]

    def failed(self, method: str) -> bool:
        """Whether the method's only result was failure: of several signatures one good one is enough."""
        said = self.results.get(method, ())
        return "fail" in said and "pass" not in said


def stamped(message: Message, trusted: tuple[str, ...]) -> Stamped | None:
    """The statement that counts: of a trusted server, the topmost; with none named, the topmost of all, which the last
    server wrote. Those below may be the sender's own invention."""
    for value in message.all("authentication-results"):
        plain = _COMMENT.sub(" ", value[:8_000])
        server = plain.partition(";")[0].split()
        name = server[0].lower() if server else ""
        if trusted and not any(name == one or name.endswith(f".{one}") for one in trusted):
            continue
        results: dict[str, tuple[str, ...]] = {}
        for method, result in _RESULT.findall(plain.partition(";")[2]):
            results[method.lower()] = (*results.get(method.lower(), ()), result.lower())
        return Stamped(name, results)
    return None
