"""What every object here is made of: a call that is told, values, methods, collections."""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors
# ruff: noqa: N802, PTH110, RUF012

import json
import os
import time
import traceback

import uno
import unohelper
from com.sun.star.container import XEnumeration, XEnumerationAccess
from com.sun.star.script import XDefaultMethod, XDefaultProperty, XInvocation

_ARGUMENT_MOST = 900
BODY_MOST = 32 << 20


_WARMING = "/run/office-warming"  # exists until the warm state is saved: what happens then is no sample's doing


def say(thing, name, arguments, result=None):
    """One line for the account, whole lines of at most 4000 characters."""
    if os.path.exists(_WARMING):
        return
    shown = [as_text(one)[:_ARGUMENT_MOST] for one in arguments][:8]
    told = {"object": thing, "name": name, "arguments": shown, "result": as_text(result)[:200]}
    line = json.dumps({"call": told})
    while len(line) > 4000:
        told["arguments"] = shown = [one[: len(one) // 2] for one in shown]
        line = json.dumps({"call": told})
    os.write(1, line.encode() + b"\n")


def pause(seconds):
    """Wait, and say beforehand for how long: an office that does nothing would be taken for done."""
    seconds = min(max(seconds, 0), 3600)
    if not os.path.exists(_WARMING):
        os.write(1, json.dumps({"wait": seconds}).encode() + b"\n")
    time.sleep(seconds)


def as_text(value):
    if value is None:
        return ""
    if isinstance(value, uno.ByteSequence):
        return value.value[:300].hex()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[:300]).hex()
    if isinstance(value, (tuple, list)):
        if value and all(isinstance(one, int) and -129 < one < 256 for one in value[:300]):
            return bytes_of(value[:300]).hex()
        return "[" + ", ".join(as_text(one) for one in value[:20]) + "]"
    return str(getattr(value, "NAME", value))


def bytes_of(value):
    if isinstance(value, uno.ByteSequence):
        return value.value
    if isinstance(value, (tuple, list)):
        return bytes(int(one) & 0xFF for one in value)
    return str(value if value is not None else "").encode("utf-8", "replace")


class Automation(unohelper.Base, XInvocation, XDefaultProperty, XDefaultMethod):
    """An object whose methods are `do_name`, its readable properties `get_name`, its plain ones those of VALUES."""

    NAME = "Object"
    VALUES = {}
    DEFAULT = ""
    QUIET = frozenset()  # methods that tell by themselves

    def __init__(self, *_):
        self.values = {name.lower(): value for name, value in self.VALUES.items()}

    # XInvocation
    def getIntrospection(self):
        return None

    def hasMethod(self, name):
        return not self.hasProperty(name)

    def hasProperty(self, name):
        name = name.lower()
        return name in self.values or (hasattr(self, "get_" + name) and not hasattr(self, "do_" + name))

    def invoke(self, name, arguments, _indices, _outs):
        action = getattr(self, "do_" + name.lower(), None)
        result = None
        try:
            if action:
                result = action(*arguments)
        except Exception as error:
            say(self.NAME, name, arguments, "error: " + str(error))
            if not isinstance(error, (OSError, TypeError, ValueError, IndexError, KeyError)):
                traceback.print_exc()
            raise uno.getClass("com.sun.star.reflection.InvocationTargetException")(str(error), self, None) from error
        if name.lower() not in self.QUIET:
            say(self.NAME, name, arguments, result)
        return result, (), ()

    def getValue(self, name):
        name = name.lower()
        reader = getattr(self, "get_" + name, None)
        return reader() if reader else self.values[name]

    def setValue(self, name, value):
        say(self.NAME, name, (value,))
        writer = getattr(self, "set_" + name.lower(), None)
        if writer:
            writer(value)
        self.values[name.lower()] = value

    # XDefaultProperty, XDefaultMethod
    def getDefaultPropertyName(self):
        return self.DEFAULT if self.hasProperty(self.DEFAULT) else ""

    def getDefaultMethodName(self):
        return self.DEFAULT if self.DEFAULT and not self.hasProperty(self.DEFAULT) else ""


class _Walk(unohelper.Base, XEnumeration):
    def __init__(self, items):
        self.items = list(items)

    def hasMoreElements(self):
        return bool(self.items)

    def nextElement(self):
        return self.items.pop(0)


class Collection(Automation, XEnumerationAccess):
    NAME = "Collection"
    DEFAULT = "Item"

    def __init__(self, items, name="Collection"):
        super().__init__()
        self.items, self.NAME = list(items), name

    def get_count(self):
        return len(self.items)

    def do_item(self, key=0):
        if isinstance(key, str):
            return next((one for one in self.items if str(one.values.get("name", "")).lower() == key.lower()), None)
        return self.items[int(key)]

    def createEnumeration(self):
        return _Walk(self.items)

    def hasElements(self):
        return bool(self.items)

    def getElementType(self):
        return uno.getTypeByName("any")


class Record(Automation):
    """A thing with values only."""

    def __init__(self, name, **values):
        self.NAME, self.VALUES = name, values
        super().__init__()
