"""Log sources: which events of an account a rule's `logsource` means, and what the fields of that log are in them.

A *channel* is one kind of record of one log (Sysmon's event 1, the security log's 4698, a proxy's request). The names
of fields are those of Sigma's taxonomy. A field that is not in a channel's table is one that no account knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lazaretto.analysis.sigma.machine import (
    MAX_TEXT,
    Machine,
    Value,
    registry_details,
    registry_names,
    texts,
    windows_path,
)
from lazaretto.analysis.sigma.model import Unusable
from lazaretto.domain.trace import AnyEvent

Getter = Callable[[Machine, Any, str], Value]
"""Machine, event, system ("windows" or "linux")."""
Wanted = Callable[[Any], bool]

# Fields of which an account has only a part: what is not found in them may still have been there.
OPEN = frozenset({"Hashes", "sha256", "TaskContent"})
# There is one machine in an account: these are the same in all of its events.
MACHINE_NAMES = frozenset({"Computer", "ComputerName", "Hostname", "HostName", "host", "WorkstationName", "hostname"})


@dataclass(frozen=True)
class Channel:
    """`shown` are the fields that tell a reader most of a record."""

    name: str
    kinds: tuple[str, ...]
    fields: Mapping[str, Getter]
    shown: tuple[str, ...]
    wanted: Wanted = field(default=lambda _: True)
    systems: tuple[str, ...] = ("windows", "linux")


def _plain(name: str) -> Getter:
    return lambda _machine, event, _system: texts(getattr(event, name))


def _always(*values: str) -> Getter:
    return lambda _machine, _event, _system: values


def _path(name: str) -> Getter:
    def get(_machine: Machine, event: Any, system: str) -> Value:
        path = str(getattr(event, name))
        return texts(windows_path(path) if system == "windows" else path)

    return get


# --- processes ------------------------------------------------------------------------------------------------------


def _acting_image(machine: Machine, event: Any, system: str) -> Value:
    process = machine.process(event.process)
    return machine.image(process.image, system) if process else None


def _of_process(name: str) -> Getter:
    def get(machine: Machine, event: Any, _system: str) -> Value:
        process = machine.process(event.process)
        return (texts(getattr(process, name)) or None) if process else None

    return get


def _target_image(machine: Machine, event: Any, system: str) -> Value:
    return machine.image(event.target_image, system)


def _started_image(machine: Machine, event: Any, system: str) -> Value:
    return machine.image(event.image, system)


def _original_name(machine: Machine, event: Any, system: str) -> Value:
    return machine.original_name(_started_image(machine, event, system)) if system == "windows" else None


def _parent_image(machine: Machine, event: Any, system: str) -> Value:
    parent = machine.process(event.parent)
    return machine.image(parent.image, system) if parent else None


def _of_parent(name: str) -> Getter:
    def get(machine: Machine, event: Any, _system: str) -> Value:
        parent = machine.process(event.parent)
        return (texts(getattr(parent, name)) or None) if parent else None

    return get


def _directory(_machine: Machine, event: Any, system: str) -> Value:
    """With the separator at its end, as Sysmon writes it on Windows."""
    if not event.working_directory:
        return None
    if system == "windows":
        return (windows_path(event.working_directory).rstrip("\\") + "\\",)
    return (event.working_directory[:MAX_TEXT],)


def _known_user(_machine: Machine, event: Any, _system: str) -> Value:
    return texts(event.user) or None


def _hashes(machine: Machine, event: Any, _system: str) -> Value:
    found = machine.sha256(_hashed(event))
    return (f"SHA256={found.upper()}",) if found else None


def _sha256(machine: Machine, event: Any, _system: str) -> Value:
    found = machine.sha256(_hashed(event))
    return (found,) if found else None


def _hashed(event: Any) -> str:
    return str(getattr(event, "image", "") or getattr(event, "path", ""))


_ACTOR: dict[str, Getter] = {
    "Image": _acting_image, "ProcessId": _of_process("pid"), "User": _of_process("user"),
}  # fmt: skip
_START: dict[str, Getter] = {
    "Image": _started_image, "CommandLine": _plain("command_line"), "CurrentDirectory": _directory,
    "User": _known_user, "ProcessId": _of_process("pid"), "OriginalFileName": _original_name, "Hashes": _hashes,
    "sha256": _sha256, "ParentImage": _parent_image, "ParentCommandLine": _of_parent("command_line"),
    "ParentProcessId": _of_parent("pid"), "ParentUser": _of_parent("user"), "EventID": _always("1", "4688"),
}  # fmt: skip

# --- registry, network, the rest ------------------------------------------------------------------------------------


def _target_object(_machine: Machine, event: Any, _system: str) -> Value:
    return registry_names(event.key, getattr(event, "name", None))


def _details(_machine: Machine, event: Any, _system: str) -> Value:
    return registry_details(event.type, event.data[:MAX_TEXT])


def _deleted(_machine: Machine, event: Any, _system: str) -> Value:
    return ("DeleteKey",) if event.name is None else ("DeleteValue",)


def _is_ipv6(_machine: Machine, event: Any, _system: str) -> Value:
    return ("true" if ":" in event.address else "false",)


def _port(_machine: Machine, event: Any, _system: str) -> Value:
    return (str(event.port),)


def _results(_machine: Machine, event: Any, _system: str) -> Value:
    return texts(";".join(event.answers))


def _answered(_machine: Machine, event: Any, _system: str) -> Value:
    return ("0",) if event.answers else ("9003",)  # DNS_ERROR_RCODE_NAME_ERROR


def _address(_machine: Machine, event: Any, _system: str) -> Value:
    return (hex(event.address),) if event.address else None


def _of_url(read: Callable[[Any], tuple[object, ...]]) -> Getter:
    def get(_machine: Machine, event: Any, _system: str) -> Value:
        try:
            return texts(*read(urlsplit(event.url[:MAX_TEXT])))
        except ValueError:
            return None

    return get


def _header(name: str) -> Getter:
    def get(_machine: Machine, event: Any, _system: str) -> Value:
        return texts(*(value for key, value in event.headers.items() if key.lower() == name))

    return get


def _extension(url: Any) -> tuple[object, ...]:
    _, dot, found = url.path.rpartition("/")[2].rpartition(".")
    return (found,) if dot else ()


def _status(_machine: Machine, event: Any, _system: str) -> Value:
    return (str(event.status),) if event.status else None


def _start_type(_machine: Machine, event: Any, _system: str) -> Value:
    return texts({"auto": "auto start", "demand": "demand start", "disabled": "disabled", "boot": "boot start",
                  "system": "system start"}.get(event.start, event.start)) or None  # fmt: skip


def _task_content(_machine: Machine, event: Any, _system: str) -> Value:
    return texts(event.command) or None


_REGISTRY: dict[str, Getter] = {**_ACTOR, "TargetObject": _target_object}
_CONNECTION: dict[str, Getter] = {
    **_ACTOR, "DestinationIp": _plain("address"), "DestinationPort": _port, "DestinationHostname": _plain("host"),
    "Protocol": _plain("protocol"), "Initiated": _always("true"), "DestinationIsIpv6": _is_ipv6,
    "EventID": _always("3"), "dst_ip": _plain("address"), "dst_port": _port, "destination.ip": _plain("address"),
    "destination.port": _port, "network.transport": _plain("protocol"),
}  # fmt: skip
_DNS: dict[str, Getter] = {
    **_ACTOR, "QueryName": _plain("name"), "QueryResults": _results, "QueryStatus": _answered, "EventID": _always("22"),
    "query": _plain("name"), "record_type": _plain("type"), "answer": _results, "dns.question.name": _plain("name"),
    "dns.question.type": _plain("type"), "dns.answers.data": _results,
}  # fmt: skip
_HTTP: dict[str, Getter] = {
    "c-uri": _plain("url"), "c-uri-query": _of_url(lambda url: (url.path, url.query)),
    "c-uri-stem": _of_url(lambda url: (url.path,)), "cs-uri-stem": _of_url(lambda url: (url.path,)),
    "cs-uri-query": _of_url(lambda url: (url.query,)), "c-uri-extension": _of_url(_extension),
    "cs-host": _of_url(lambda url: (url.hostname,)), "r-dns": _of_url(lambda url: (url.hostname,)),
    "cs-method": _plain("method"), "c-useragent": _header("user-agent"), "cs-user-agent": _header("user-agent"),
    "cs-cookie": _header("cookie"), "cs-referrer": _header("referer"), "cs-referer": _header("referer"),
    "sc-status": _status,
}  # fmt: skip
_SOURCE: dict[str, Getter] = {
    "SourceImage": _acting_image, "SourceProcessId": _of_process("pid"), "SourceUser": _of_process("user"),
    "SourceCommandLine": _of_process("command_line"), "TargetImage": _target_image,
}  # fmt: skip
_WINDOWS = ("windows",)


def _file(event_id: str, name: str = "path", **more: Getter) -> dict[str, Getter]:
    return {**_ACTOR, "TargetFilename": _path(name), "EventID": _always(event_id), **more}


def _is_file(event: Any) -> bool:
    return not getattr(event, "directory", False)


def _is_stream(event: Any) -> bool:
    return ":" in str(event.path)[2:]


def _is_program(event: Any) -> bool:
    return bool(event.head.startswith(b"MZ"))


def _is_powershell(event: Any) -> bool:
    name = event.image.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
    return bool(event.script) and name in {"powershell", "pwsh", "powershell_ise"}


CHANNELS: dict[str, Channel] = {
    channel.name: channel
    for channel in (
        Channel("process", ("process.start",), _START, ("CommandLine", "Image")),
        Channel("process.end", ("process.exit",), {**_ACTOR, "EventID": _always("5")}, ("Image",)),
        Channel("file", ("file.create", "file.write"), _file("11"), ("TargetFilename",), _is_file),
        Channel("file.delete", ("file.delete",), _file("23"), ("TargetFilename",), _is_file),
        Channel("file.time", ("file.time",), _file("2"), ("TargetFilename",)),
        Channel("file.stream", ("file.write",), _file("15"), ("TargetFilename",), _is_stream, _WINDOWS),
        Channel(
            "file.program", ("file.write",), _file("29", Hashes=_hashes, sha256=_sha256), ("TargetFilename",),
            _is_program, _WINDOWS,
        ),
        Channel(
            "file.rename", ("file.rename",), _file("", "to", SourceFilename=_path("path")),
            ("SourceFilename", "TargetFilename"),
        ),
        Channel(
            "file.read", ("file.read",), {**_ACTOR, "FileName": _path("path"), "TargetFilename": _path("path")},
            ("FileName",),
        ),
        Channel(
            "registry.add", ("registry.create",),
            {**_REGISTRY, "EventType": _always("CreateKey"), "EventID": _always("12")},
            ("TargetObject",), systems=_WINDOWS,
        ),
        Channel(
            "registry.set", ("registry.set",),
            {**_REGISTRY, "EventType": _always("SetValue"), "Details": _details, "EventID": _always("13")},
            ("TargetObject", "Details"), systems=_WINDOWS,
        ),
        Channel(
            "registry.delete", ("registry.delete",), {**_REGISTRY, "EventType": _deleted, "EventID": _always("12")},
            ("TargetObject",), systems=_WINDOWS,
        ),
        Channel(
            "connection", ("net.connect",), _CONNECTION, ("DestinationHostname", "DestinationIp", "DestinationPort"),
            lambda event: event.protocol in {"tcp", "udp"},
        ),
        Channel("dns", ("net.dns",), _DNS, ("QueryName",)),
        Channel("http", ("net.http",), _HTTP, ("cs-method", "c-uri")),
        Channel(
            "module", ("module.load",),
            {**_ACTOR, "ImageLoaded": _path("path"), "Hashes": _hashes, "sha256": _sha256, "EventID": _always("7")},
            ("ImageLoaded",),
        ),
        Channel(
            "thread", ("thread.remote",), {**_SOURCE, "StartAddress": _address, "EventID": _always("8")},
            ("TargetImage",), lambda event: event.how == "create",
        ),
        Channel("open", ("process.open",), {**_SOURCE, "EventID": _always("10")}, ("TargetImage",)),
        Channel(
            "driver", ("kernel.module",), {"ImageLoaded": _plain("name"), "EventID": _always("6")}, ("ImageLoaded",),
            lambda event: event.action == "load",
        ),
        Channel(
            "script", ("process.start",), {"ScriptBlockText": _plain("script"), "EventID": _always("4104")},
            ("ScriptBlockText",), _is_powershell, _WINDOWS,
        ),
        Channel(
            "security.process", ("process.start",),
            {
                **_START, "NewProcessName": _started_image, "ParentProcessName": _parent_image,
                "ProcessCommandLine": _plain("command_line"), "SubjectUserName": _known_user,
                "EventID": _always("4688"),
            },
            ("CommandLine", "NewProcessName"), systems=_WINDOWS,
        ),
        Channel(
            "security.service", ("service",),
            {"ServiceName": _plain("name"), "ServiceFileName": _plain("image"), "EventID": _always("4697")},
            ("ServiceName", "ServiceFileName"), lambda event: event.action == "create", _WINDOWS,
        ),
        Channel(
            "security.task", ("task",),
            {"TaskName": _plain("name"), "TaskContent": _task_content, "EventID": _always("4698")},
            ("TaskName", "TaskContent"), lambda event: event.action == "create", _WINDOWS,
        ),
        Channel(
            "system.service", ("service",),
            {
                "ServiceName": _plain("name"), "ImagePath": _plain("image"), "StartType": _start_type,
                "Provider_Name": _always("Service Control Manager"), "EventID": _always("7045"),
            },
            ("ServiceName", "ImagePath"), lambda event: event.action == "create", _WINDOWS,
        ),
    )
}  # fmt: skip

_REGISTRY_CHANNELS = ("registry.add", "registry.set", "registry.delete")
_CATEGORIES: dict[str, tuple[str, ...]] = {
    "process_creation": ("process",), "process_termination": ("process.end",), "file_event": ("file",),
    "file_delete": ("file.delete",), "file_delete_detected": ("file.delete",), "file_change": ("file.time",),
    "file_rename": ("file.rename",), "file_access": ("file.read",), "file_executable_detected": ("file.program",),
    "create_stream_hash": ("file.stream",), "registry_event": _REGISTRY_CHANNELS, "registry_add": ("registry.add",),
    "registry_set": ("registry.set",), "registry_delete": ("registry.delete",), "network_connection": ("connection",),
    "firewall": ("connection",), "dns_query": ("dns",), "dns": ("dns",), "proxy": ("http",), "image_load": ("module",),
    "create_remote_thread": ("thread",), "process_access": ("open",), "driver_load": ("driver",),
    "ps_script": ("script",),
}  # fmt: skip
_SYSMON = (
    "process", "process.end", "file", "file.delete", "file.time", "file.stream", "file.program", *_REGISTRY_CHANNELS,
    "connection", "dns", "module", "thread", "open", "driver",
)  # fmt: skip
_SERVICES: dict[tuple[str, str], tuple[str, ...]] = {
    ("windows", "sysmon"): _SYSMON,
    ("linux", "sysmon"): ("process", "process.end", "file", "file.delete", "connection"),
    ("windows", "security"): ("security.process", "security.service", "security.task"),
    ("windows", "system"): ("system.service",),
    ("windows", "powershell"): ("script",),
}
_NETWORK = {"connection": ("connection",), "dns": ("dns",)}
PRODUCTS = ("windows", "linux")
_ADVICE = "leave the rule out: it is about something else than what an account holds"


def channels_of(logsource: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Systems and channels that a rule's `logsource` means. Raises `Unusable` naming what there is not."""
    category, product, service = (str(logsource.get(key) or "") for key in ("category", "product", "service"))
    if not (category or product or service):
        raise Unusable("logsource is empty", "name a category, product or service", broken=True)
    if product and product not in PRODUCTS:
        raise Unusable(f"logsource product {product!r}", "leave the rule out: there is no guest of that system")
    systems = (product,) if product else PRODUCTS
    names = _names(category, product, service)
    fitting = tuple(name for name in names if set(CHANNELS[name].systems) & set(systems))
    if not fitting:
        raise Unusable(f"logsource category {category!r} of {product}", _ADVICE)
    return systems, fitting


def _names(category: str, product: str, service: str) -> tuple[str, ...]:
    if category == "network" and service in _NETWORK:
        return _NETWORK[service]
    if category and service and not (category in _CATEGORIES and service == "sysmon"):
        raise Unusable(f"logsource category {category!r} with service {service!r}", _ADVICE)
    if category:
        if category not in _CATEGORIES:
            raise Unusable(f"logsource category {category!r}", _ADVICE)
        return _CATEGORIES[category]
    if service:
        known = _SERVICES.get((product, service))
        if known is None:
            raise Unusable(f"logsource service {service!r}", _ADVICE)
        return known
    raise Unusable(f"logsource product {product!r} without category or service", "name the category of its events")


def event_ids(name: str) -> tuple[str, ...]:
    """The numbers that records of this channel have."""
    getter = CHANNELS[name].fields.get("EventID")
    # a constant of the channel, which no event changes
    return getter(None, None, "") or () if getter else ()  # type: ignore[arg-type]


def known_fields(names: tuple[str, ...]) -> frozenset[str]:
    """Fields that an account knows in any of these channels."""
    return frozenset(field for name in names for field in CHANNELS[name].fields)


class Record:
    """One event as a record of a log; values are looked up when first asked for."""

    __slots__ = ("_low", "channel", "event", "machine", "system", "values")

    def __init__(self, channel: Channel, machine: Machine, event: AnyEvent, system: str) -> None:
        self.channel = channel
        self.machine = machine
        self.event = event
        self.system = system
        self.values: dict[str, Value] = {}
        self._low: dict[str, tuple[str, ...]] = {}

    def value(self, name: str) -> Value:
        """Spellings of the value; empty where there is none; None where the account does not know it."""
        try:
            return self.values[name]
        except KeyError:
            getter = self.channel.fields.get(name)
            found = self.values[name] = getter(self.machine, self.event, self.system) if getter else None
            return found

    def low(self, name: str) -> tuple[str, ...]:
        """The same spellings in lower case."""
        known = self._low.get(name)
        if known is None:
            known = self._low[name] = tuple(map(str.lower, self.value(name) or ()))
        return known

    def everything(self) -> tuple[str, ...]:
        """All values of the record, for keywords."""
        return tuple(text for name in self.channel.fields for text in self.value(name) or ())

    def shown(self) -> str:
        """What the record says, for a reader."""
        found = [value[0] for name in self.channel.shown if (value := self.value(name))]
        return " ".join(found[:1] if self.channel.shown[0] == "CommandLine" else found)
