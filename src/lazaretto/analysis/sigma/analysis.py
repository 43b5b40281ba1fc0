"""What can be said of a condition before any event is seen: whether it can ever be true, and what it needs."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.sigma import wildcards
from lazaretto.analysis.sigma.channels import CHANNELS, event_ids
from lazaretto.analysis.sigma.model import And, AnyNode, AnyTest, Gate, Item, Not, Or, SameAs, Text

_TRUE, _FALSE, _UNKNOWN = 1, 2, 4
_ALL = _TRUE | _FALSE | _UNKNOWN


def items(node: AnyNode) -> Iterator[Item]:
    """All tests of fields in the condition."""
    if isinstance(node, Item):
        yield node
    elif isinstance(node, Not):
        yield from items(node.part)
    else:
        for part in node.parts:
            yield from items(part)


def referred(node: AnyNode) -> frozenset[str]:
    """Fields with which others are compared."""
    return frozenset(test.field for item in items(node) for test in item.tests if isinstance(test, SameAs))


def can_match(node: AnyNode, channel: str) -> bool:
    """Whether some event of the channel could make it true, as far as the fields say that accounts know."""
    return bool(_truths(node, channel) & _TRUE)


def _truths(node: AnyNode, channel: str) -> int:
    """Which of true, false and unknown it can be."""
    if isinstance(node, Item):
        return _truths_of_item(node, channel)
    if isinstance(node, Not):
        inner = _truths(node.part, channel)
        turned = (_FALSE if inner & _TRUE else 0) | (_TRUE if inner & _FALSE else 0)
        return turned | inner & _UNKNOWN
    found = [_truths(part, channel) for part in node.parts]
    # of the parts of an and: true needs all, false is enough once; or is the mirror of it
    rare, common = (_TRUE, _FALSE) if isinstance(node, And) else (_FALSE, _TRUE)
    return (
        (rare if all(one & rare for one in found) else 0)
        | (common if any(one & common for one in found) else 0)
        | (_UNKNOWN if any(one & _UNKNOWN for one in found) else 0)
    )


def _truths_of_item(item: Item, channel: str) -> int:
    if not item.field:
        return _TRUE | _UNKNOWN
    fields = CHANNELS[channel].fields
    if item.field not in fields or all(isinstance(test, SameAs) and test.field not in fields for test in item.tests):
        return _UNKNOWN
    if item.field == "EventID":
        return _truths_of_number(item, channel)
    return _ALL


def _truths_of_number(item: Item, channel: str) -> int:
    """The number of an event is a constant of its channel."""
    numbers = event_ids(channel)
    fits = [
        isinstance(test, Text) and any(wildcards.matcher(test.parts)(number) for number in numbers)
        for test in item.tests
    ]
    if not all(isinstance(test, Text) for test in item.tests):
        return _ALL
    return _TRUE if (all if item.every else any)(fits) else _FALSE


def gate(node: AnyNode, known: frozenset[str]) -> Gate | None:
    """Texts of which every matching event has at least one in the named field; None where nothing is that certain."""
    if isinstance(node, Item):
        return _gate_of_item(node, known)
    if isinstance(node, Not):
        return None
    found = [gate(part, known) for part in node.parts]
    if isinstance(node, Or):
        certain = [one for one in found if one is not None]
        return tuple(pair for one in certain for pair in one) if len(certain) == len(found) else None
    return max((one for one in found if one is not None), key=_selective, default=None)


def gates(node: AnyNode, known: frozenset[str]) -> tuple[Gate, ...]:
    """The two most selective gates of a condition, of which every matching event has both."""
    found = [one for part in _needed_parts(node) if (one := gate(part, known)) is not None]
    return tuple(sorted(dict.fromkeys(found), key=_selective, reverse=True)[:2])


def _needed_parts(node: AnyNode) -> Iterator[AnyNode]:
    """What must all be true for the condition to be."""
    if isinstance(node, And):
        for part in node.parts:
            yield from _needed_parts(part)
    else:
        yield node


def _selective(found: Gate) -> tuple[int, int]:
    """How rarely an event will have one of these: the shorter the text, the more often; then, the fewer the better."""
    return min((len(text) for _, text in found), default=1 << 30), -len(found)


def _gate_of_item(item: Item, known: frozenset[str]) -> Gate | None:
    if not item.field:
        return None
    if item.field not in known:
        return ()  # never true
    texts = [_needed(test) for test in item.tests]
    if item.every:
        longest = max(texts, key=len)
        return ((item.field, longest),) if longest else None
    return tuple((item.field, text) for text in texts) if all(texts) else None


def _needed(test: AnyTest) -> str:
    return wildcards.longest_text(test.parts).lower() if isinstance(test, Text) else ""
