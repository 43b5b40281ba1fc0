"""Log sources and fields: which events are records of which log, and what their fields say."""

from __future__ import annotations

from typing import Any

import pytest

from lazaretto.testing.sigma_play import START, found, rule

WINDOWS = "C:\\Windows\\System32\\"
SET = {"kind": "registry.set"}


def held(category: str, field: str, value: Any, event: dict[str, Any], **how: Any) -> bool:
    product = how.pop("product", "windows")
    text = rule(f"s: {{{field}: {value!r}}}\ncondition: s\n", category=category, product=product)
    return bool(found(text, event, **how))


@pytest.mark.parametrize(
    ("category", "event", "fields"),
    [
        (
            "process_creation",
            {**START, "command_line": "tool -x", "working_directory": "C:\\users\\anna", "user": "DESK\\anna"},
            {
                "Image": f"{WINDOWS}tool.exe", "CommandLine": "tool -x", "CurrentDirectory": "C:\\Users\\anna\\",
                "User": "DESK\\anna", "ParentImage": "C:\\Users\\Anna\\Downloads\\sample.exe", "ProcessId": 102,
                "ParentCommandLine": "C:\\Users\\Anna\\Downloads\\sample.exe", "ParentProcessId": 100,
                "OriginalFileName": "tool.exe", "EventID": 1,
            },
        ),
        (
            "file_event",
            {"kind": "file.write", "path": "C:/users/anna/x.exe"},
            {"TargetFilename": "C:\\Users\\anna\\x.exe", "Image|endswith": "\\Downloads\\sample.exe", "EventID": 11},
        ),
        ("file_delete", {"kind": "file.delete", "path": "C:\\x"}, {"TargetFilename": "C:\\x", "EventID": 23}),
        (
            "file_rename",
            {"kind": "file.rename", "path": "C:\\x", "to": "C:\\y"},
            {"SourceFilename": "C:\\x", "TargetFilename": "C:\\y"},
        ),
        ("file_access", {"kind": "file.read", "path": "C:\\x"}, {"FileName": "C:\\x"}),
        ("file_change", {"kind": "file.time", "path": "C:\\x"}, {"TargetFilename": "C:\\x"}),
        (
            "file_executable_detected",
            {"kind": "file.write", "path": "C:\\x.exe", "head": "MZ\x00", "sha256": "ab" * 32},
            {"TargetFilename": "C:\\x.exe", "Hashes|contains": "SHA256=" + "AB" * 32},
        ),
        ("create_stream_hash", {"kind": "file.write", "path": "C:\\x.txt:s"}, {"TargetFilename": "C:\\x.txt:s"}),
        (
            "registry_set",
            {**SET, "key": "HKCU\\Software\\X", "name": "v", "type": "REG_DWORD", "data": "0x00000001 (1)"},
            {
                "TargetObject": "HKCU\\Software\\X\\v", "TargetObject|startswith": "HKU\\S-1-5-21-",
                "Details": "DWORD (0x00000001)", "EventType": "SetValue", "EventID": 13,
            },
        ),
        (
            "registry_event",
            {**SET, "key": "HKLM\\System\\ControlSet001\\Y", "name": "", "type": "REG_QWORD", "data": "5"},
            {
                "TargetObject": "HKLM\\System\\CurrentControlSet\\Y\\(Default)",
                "Details": "QWORD (0x00000000-0x00000005)",
            },
        ),
        (
            "registry_set",
            {"kind": "registry.set", "key": "HKLM\\Software\\Classes\\x", "name": "", "type": "REG_SZ", "data": ""},
            {"TargetObject": "HKCR\\x\\(Default)", "Details": "(Empty)"},
        ),
        (
            "registry_set",
            {**SET, "key": "HKCU\\Software\\Classes\\x", "name": "b", "type": "REG_BINARY", "data": "00"},
            {"TargetObject|endswith": "_Classes\\x\\b", "Details": "Binary Data"},
        ),
        (
            "registry_add",
            {"kind": "registry.create", "key": "HKCR\\x"},
            {"TargetObject": "HKLM\\SOFTWARE\\Classes\\x", "EventType": "CreateKey"},
        ),
        (
            "registry_delete",
            {"kind": "registry.delete", "key": "HKLM\\x", "name": "v"},
            {"TargetObject": "HKLM\\x\\v", "EventType": "DeleteValue"},
        ),
        ("registry_delete", {"kind": "registry.delete", "key": "HKLM\\x"}, {"EventType": "DeleteKey"}),
        (
            "network_connection",
            {"kind": "net.connect", "protocol": "tcp", "address": "192.0.2.1", "port": 4444, "host": "a.example"},
            {
                "DestinationIp": "192.0.2.1", "DestinationPort": 4444, "DestinationHostname|endswith": ".example",
                "Initiated": "true", "Protocol": "tcp", "DestinationIsIpv6": False, "DestinationPort|gt": 1024,
            },
        ),
        (
            "dns_query",
            {"kind": "net.dns", "name": "a.example", "answers": ["192.0.2.1"]},
            {"QueryName": "a.example", "QueryResults|contains": "192.0.2", "QueryStatus": 0},
        ),
        ("dns", {"kind": "net.dns", "name": "a.example", "type": "TXT"}, {"query": "a.example", "record_type": "TXT"}),
        (
            "proxy",
            {
                "kind": "net.http", "method": "GET", "url": "https://a.example/b/c.ps1?d=e", "status": 200,
                "headers": {"User-Agent": "curl/8", "Cookie": "x"},
            },
            {
                "c-uri|contains": "a.example/b", "cs-host": "a.example", "c-uri-extension": "ps1", "cs-method": "get",
                "c-useragent|startswith": "curl/", "c-uri-query|contains": "d=e", "cs-cookie": "x", "sc-status": 200,
            },
        ),
        ("image_load", {"kind": "module.load", "path": "C:\\b.dll"}, {"ImageLoaded|endswith": "\\b.dll", "EventID": 7}),
        (
            "create_remote_thread",
            {"kind": "thread.remote", "how": "create", "target_image": "C:\\windows\\explorer.exe", "address": 4096},
            {"TargetImage": "C:\\Windows\\explorer.exe", "StartAddress": "0x1000", "SourceImage|endswith": "e.exe"},
        ),
        (
            "process_access",
            {"kind": "process.open", "target_image": "C:\\windows\\system32\\lsass.exe"},
            {"TargetImage|endswith": "\\lsass.exe", "SourceCommandLine|contains": "sample"},
        ),
        ("driver_load", {"kind": "kernel.module", "name": "C:\\x.sys"}, {"ImageLoaded": "C:\\x.sys"}),
        (
            "ps_script",
            {**START, "image": f"{WINDOWS}powershell.exe", "script": "iex (x)"},
            {"ScriptBlockText|contains": "IEX"},
        ),
        ("process_termination", {"kind": "process.exit"}, {"Image|endswith": "sample.exe"}),
    ],
)  # fmt: skip
def test_fields(category: str, event: dict[str, Any], fields: dict[str, Any]) -> None:
    for field, value in fields.items():
        assert held(category, field, value, event), field
        if field != "EventID" and "|gt" not in field:  # a number that no record has is refused
            assert not held(category, field, "neither", event), field


@pytest.mark.parametrize(
    ("category", "event"),
    [
        ("file_event", {"kind": "file.create", "path": "C:\\x", "directory": True}),
        ("file_executable_detected", {"kind": "file.write", "path": "C:\\x", "head": "PK"}),
        ("create_stream_hash", {"kind": "file.write", "path": "C:\\x"}),
        ("network_connection", {"kind": "net.connect", "protocol": "unix", "address": "C:\\x"}),
        ("create_remote_thread", {"kind": "thread.remote", "how": "apc", "target_image": "C:\\x"}),
        ("driver_load", {"kind": "kernel.module", "name": "x", "action": "unload"}),
        ("ps_script", {**START, "image": "C:\\other.exe", "script": "x"}),
    ],
)
def test_what_is_no_record_of_the_log(category: str, event: dict[str, Any]) -> None:
    assert not found(rule("s: {EventID|exists: true}\ncondition: s\n", category=category), event)


@pytest.mark.parametrize(
    ("service", "detection", "event"),
    [
        ("sysmon", "{EventID: 1, CommandLine: x}", {**START, "command_line": "x"}),
        ("sysmon", "{EventID: [7, 11], TargetFilename|endswith: x}", {"kind": "file.write", "path": "C:\\x"}),
        ("security", "{EventID: 4688, NewProcessName|endswith: tool.exe}", START),
        (
            "security",
            "{EventID: 4698, TaskName: t, TaskContent|contains: evil}",
            {"kind": "task", "action": "create", "name": "t", "command": "evil.exe"},
        ),
        (
            "security",
            "{EventID: 4697, ServiceFileName|contains: svc}",
            {"kind": "service", "action": "create", "name": "s", "image": "C:\\svc.exe"},
        ),
        (
            "system",
            "{Provider_Name: Service Control Manager, EventID: 7045, ImagePath|contains: svc, StartType: auto start}",
            {"kind": "service", "action": "create", "name": "s", "image": "C:\\svc.exe", "start": "auto"},
        ),
        (
            "powershell",
            "{EventID: 4104, ScriptBlockText|contains: iex}",
            {**START, "image": "powershell.exe", "script": "iex"},
        ),
    ],
)
def test_a_service(service: str, detection: str, event: dict[str, Any]) -> None:
    text = rule(f"s: {detection}\ncondition: s\n", source=f"{{product: windows, service: {service}}}")
    assert found(text, event)
    assert not found(text, {"kind": "file.delete", "path": "C:\\y"})


def test_a_rule_without_a_product_is_for_every_system() -> None:
    text = rule("s: {QueryName: a.example}\ncondition: s\n", source="{category: dns_query}")
    event = {"kind": "net.dns", "name": "a.example"}
    assert found(text, event, platform="windows")
    assert found(text, event, platform="linux")


def test_systems_are_kept_apart() -> None:
    event = {**START, "image": "/usr/bin/x"}
    assert held("process_creation", "Image|endswith", "/x", event, product="linux", platform="linux")
    assert not held("process_creation", "Image|endswith", "x", event, product="windows", platform="linux")


def test_the_office_guest_plays_windows_for_macros() -> None:
    event = {**START, "image": "/usr/lib/win/bin/cmd.exe", "command_line": "cmd /c x"}
    assert held("process_creation", "Image", f"{WINDOWS}cmd.exe", event, platform="office")
    key = {"kind": "registry.set", "key": "HKCU\\Software\\X", "name": "v"}
    assert held("registry_set", "TargetObject|contains", "\\Software\\X", key, platform="office")
    linux = {**START, "image": "/usr/bin/head"}
    assert held("process_creation", "Image", "/usr/bin/head", linux, product="linux", platform="office")


def test_a_program_without_a_folder_is_the_systems() -> None:
    assert held("process_creation", "Image", f"{WINDOWS}wscript.exe", {**START, "image": "wscript.exe"})
    assert held("process_creation", "Image|endswith", "\\v1.0\\powershell.exe", {**START, "image": "powershell"})


def test_an_original_name_is_known_of_the_systems_own_programs_only() -> None:
    renamed = rule("s: {OriginalFileName: tool.exe}\nf: {Image|endswith: '\\tool.exe'}\ncondition: s and not f\n")
    assert not found(renamed, START)
    assert not held("process_creation", "OriginalFileName", "other.exe", {**START, "image": "C:\\other.exe"})
    written = {"kind": "file.write", "path": f"{WINDOWS}tool.exe"}
    text = rule("s: {OriginalFileName: tool.exe}\ncondition: s\n")
    assert found(text, START)
    assert not found(text, written, START)


def test_hashes_that_are_not_there_are_not_known_to_be_others() -> None:
    digest = "cd" * 32
    write = {"kind": "file.write", "path": "C:\\x.exe", "sha256": digest}
    start = {**START, "image": "C:\\x.exe"}
    text = rule(f"s: {{Hashes|contains: 'SHA256={digest}'}}\ncondition: s\n")
    assert found(text, write, start)
    assert not found(text, start)
    filtered = rule("s: {Image|endswith: x.exe}\nf: {Hashes|contains: 'MD5=00'}\ncondition: s and not f\n")
    assert not found(filtered, write, start)
