"""The parts of the pretended internet that only turn values into values."""

from __future__ import annotations

import hashlib
import io
import ipaddress
import ssl
import struct
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lazaretto.sandbox.guest.internet import (
    capture,
    channel,
    content,
    datagrams,
    dns,
    hello,
    messages,
    redirect,
    request,
    sites,
    sniff,
)
from lazaretto.sandbox.guest.internet.names import Names, looks_random
from lazaretto.sandbox.guest.internet.place import Place


def query(name: str, kind: int = 1, *, identity: int = 7, edns: bool = False) -> bytes:
    """A DNS query as a stub resolver sends it."""
    extra = b"\0\0\x29\x04\xd0\0\0\0\0\0\0" if edns else b""
    return struct.pack("!HHHHHH", identity, 0x0100, 1, 0, 0, edns) + dns.encode_name(name) + struct.pack(
        "!HH", kind, 1
    ) + extra  # fmt: skip


class TestNames:
    def test_a_name_always_has_the_same_public_address(self) -> None:
        first, second = Names(), Names()
        address = first.address("c2.Evil.example.com.", 4)
        assert address == second.address("C2.evil.example.com", 4)
        assert ipaddress.ip_address(address).is_global
        assert first.name(address) == "c2.evil.example.com"

    def test_ten_thousand_names_keep_their_own_addresses(self) -> None:
        names = Names()
        addresses = [names.address(f"host{number}.com", 4) for number in range(10_000)]
        assert [names.name(address) for address in addresses] == [f"host{n}.com" for n in range(10_000)]

    @pytest.mark.parametrize(
        "name", ["wpad", "wpad.fritz.box", "intranet", "printer.local", "abc.onion", "x.invalid", "other.fritz.box", ""]
    )
    def test_local_and_reserved_names_do_not_exist(self, name: str) -> None:
        assert not Names().exists(name)

    def test_the_lan_knows_its_router_and_its_computer(self) -> None:
        names = Names(hostname="DESKTOP-7Q2")
        assert names.address("fritz.box", 4) == "192.168.178.1"
        assert names.exists("desktop-7q2.fritz.box")
        assert names.address("desktop-7q2.fritz.box", 4) == "192.168.178.34"

    @pytest.mark.parametrize("name", ["xkqzvbrtwpl.com", "a8f3k2m9q1z7.net", "kjhgfdsqwrtp.biz"])
    def test_generated_names_are_refused_only_if_asked(self, name: str) -> None:
        assert looks_random(name)
        assert Names().exists(name)
        assert not Names(refuse_random=True).exists(name)

    @pytest.mark.parametrize("name", ["www.microsoft.com", "stackoverflow.com", "update-service.example.org", "t.me"])
    def test_spoken_names_are_never_refused(self, name: str) -> None:
        assert not looks_random(name)


class TestDns:
    def test_an_address_is_answered(self) -> None:
        names = Names()
        reply = dns.answer(query("Example.COM", edns=True), names)
        assert reply is not None
        assert (reply.name, reply.type, reply.status) == ("example.com", "A", "NOERROR")
        assert reply.answers == (names.address("example.com", 4),)
        identity, flags, questions, answers, _, additional = struct.unpack_from("!HHHHHH", reply.wire)
        assert (identity, flags, questions, answers, additional) == (7, 0x8180, 1, 1, 1)
        assert ipaddress.ip_address(reply.answers[0]).packed in reply.wire
        assert b"\x07Example\x03COM\0" in reply.wire  # case kept: some resolvers check it

    @pytest.mark.parametrize(
        ("name", "kind", "answers"),
        [
            ("a.com", "MX", ("10 mail.a.com",)),
            ("a.com", "NS", ("ns1.a.com", "ns2.a.com")),
            ("a.com", "TXT", ("v=spf1 mx include:_spf.a.com ~all",)),
            ("www.a.com", "CNAME", ("a.com",)),
            ("_ldap._tcp.a.com", "SRV", ("0 5 389 srv.a.com",)),
            ("1.178.168.192.in-addr.arpa", "PTR", ("fritz.box",)),
            ("8.8.8.8.in-addr.arpa", "PTR", ("host-8-8-8-8.static.as-hosting.net",)),
            ("a.com", "HTTPS", ()),
        ],
    )
    def test_other_types(self, name: str, kind: str, answers: tuple[str, ...]) -> None:
        reply = dns.answer(query(name, dns.NUMBERS[kind]), Names())
        assert reply is not None
        assert (reply.status, reply.answers) == ("NOERROR", answers)

    def test_the_reverse_of_a_name_is_the_name(self) -> None:
        names = Names()
        address = ipaddress.ip_address(names.address("a.com", 6))
        reply = dns.answer(query(address.reverse_pointer, 12), names)
        assert reply is not None
        assert reply.answers == ("a.com",)

    def test_what_does_not_exist(self) -> None:
        reply = dns.answer(query("wpad"), Names())
        assert reply is not None
        assert (reply.status, reply.answers, reply.wire[3] & 15) == ("NXDOMAIN", (), 3)

    def test_too_long_for_a_datagram(self) -> None:
        reply = dns.answer(query("a.com", dns.NUMBERS["TXT"]), Names(), limit=40)
        assert reply is not None
        assert reply.wire[2] & 2
        assert len(reply.wire) <= 40

    @given(st.binary(max_size=600))
    @example(b"\0" * 12)
    @example(struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c" * 20)
    def test_rubbish_never_raises(self, data: bytes) -> None:
        reply = dns.answer(data, Names(), limit=512)
        assert reply is None or len(reply.wire) <= 512

    @given(st.binary(min_size=1, max_size=300), st.integers(0, 65535))
    def test_odd_names_never_raise(self, name: bytes, kind: int) -> None:
        labels = b"".join(bytes((len(name[at : at + 60]),)) + name[at : at + 60] for at in range(0, len(name), 60))
        head = struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0)
        dns.answer(head + labels + b"\0" + struct.pack("!HH", kind, 1), Names())


class TestHello:
    @given(st.binary(max_size=500))
    def test_rubbish_never_raises(self, data: bytes) -> None:
        hello.parse(data)
        hello.parse(b"\x16\x03\x01" + struct.pack("!H", len(data)) + data)

    def test_a_real_one(self) -> None:
        context, ways = ssl.create_default_context(), (ssl.MemoryBIO(), ssl.MemoryBIO())
        context.set_alpn_protocols(["h2", "http/1.1"])
        client = context.wrap_bio(*ways, server_hostname="c2.example.com")
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        seen = hello.parse(ways[1].read())
        assert seen == hello.Hello(server_name="c2.example.com", protocols=("h2", "http/1.1"), ecdsa=True)


class TestSniff:
    @pytest.mark.parametrize(
        ("data", "port", "kind"),
        [
            (b"\x16\x03\x01\x02\x00", 4444, sniff.Kind.TLS),
            (b"GET / HTTP/1.1\r\n", 4444, sniff.Kind.HTTP),
            (b"POST /gate.php HTTP/1.0\r\n", 25, sniff.Kind.HTTP),
            (b"PROPFIND /share HTTP/1.1\r\n", 80, sniff.Kind.HTTP),
            (b"CONNECT evil.com:443 HTTP/1.1\r\n", 8080, sniff.Kind.HTTP),
            (b"NICK bot\r\nUSER b 0 * :b\r\n", 4444, sniff.Kind.IRC),
            (b"EHLO me\r\n", 25, sniff.Kind.SMTP),
            (b"USER anonymous\r\n", 21, sniff.Kind.IRC),  # a client that does not wait for FTP's greeting
            (b'{"id":1,"method":"login","params":{}}\n', 3333, sniff.Kind.STRATUM),
            (b'{"hello":1}\n', 3333, sniff.Kind.OTHER),
            (b"\x05\x01\x00", 1080, sniff.Kind.SOCKS),
            (b"\x04\x01\x00\x50\x01\x02\x03\x04user\0", 1080, sniff.Kind.SOCKS),
            (b"\x05\x00\x0b\x03\x10\x00\x00\x00\x48\x00", 135, sniff.Kind.OTHER),  # DCE/RPC
            (b"\x00\x1d\x12\x34", 53, sniff.Kind.DNS),
            (b"\x00\x00\x00\x85\xffSMB", 445, sniff.Kind.OTHER),
            (b"G", 80, None),
            (b"\x16", 443, None),
            (b"", 80, None),
        ],
    )
    def test_first_bytes(self, data: bytes, port: int, kind: sniff.Kind | None) -> None:
        assert sniff.sniff(data, port) is kind

    @given(st.binary(max_size=200), st.integers(1, 65535))
    def test_rubbish_never_raises(self, data: bytes, port: int) -> None:
        sniff.sniff(data, port)
        sniff.guess(data, port)

    @given(st.binary(min_size=1, max_size=40), st.integers(1, 65535))
    @example(b"CONNECT x", 80)
    @example(b"NICK x", 80)
    @example(b"{", 80)
    def test_five_thousand_bytes_are_enough_to_decide(self, data: bytes, port: int) -> None:
        assert sniff.sniff((data * 5000)[:5000], port) is not None


class TestRequest:
    def test_a_head(self) -> None:
        seen = request.parse_head(b"GET /a?b=c HTTP/1.1\r\nHost: Evil.com:8080\r\nX:  y \r\n\r\n")
        assert seen == request.Request(
            method="GET", target="/a?b=c", version="HTTP/1.1", headers=(("Host", "Evil.com:8080"), ("X", "y"))
        )
        at = request.locate(seen, tls=False, fallback="1.2.3.4", port=80)
        assert (at.url, at.host, at.port, at.path, at.query) == (
            "http://evil.com:8080/a?b=c", "evil.com", 8080, "/a", "b=c",
        )  # fmt: skip

    def test_without_a_host_the_connection_counts(self) -> None:
        seen = request.parse_head(b"GET /x HTTP/1.0\n\n")
        assert seen is not None
        assert request.locate(seen, tls=True, fallback="2001:db8::1", port=443).url == "https://[2001:db8::1]/x"

    @given(st.binary(max_size=2000))
    @example(b"GET //[ HTTP/1.1\r\nHost: [\r\n\r\n")
    @example(b"GET http://[x HTTP/1.1\r\n\r\n")
    @example(b"GET / HTTP/1.1\r\nContent-Length: \xc2\xb2\r\n\r\n")
    def test_rubbish_never_raises(self, data: bytes) -> None:
        for head in (data, b"GET " + data, b"POST /" + data.replace(b" ", b"") + b" HTTP/1.1\r\n" + data):
            seen = request.parse_head(head)
            if seen is None:
                continue
            at = request.locate(seen, tls=False, fallback="h", port=80)
            assert 0 < at.port < 65536
            assert seen.length >= 0
            assert len(seen.headers) <= request.HEADERS_LIMIT
            request.basic_login(seen.header("authorization"))
            sites.site(at, seen.method, Place(), gateway=False)
            content.Shelf(None).pick(at.path, at.url, at.host)

    @pytest.mark.parametrize(
        ("text", "size", "expected"),
        [
            ("bytes=0-99", 1000, (0, 99)),
            ("bytes=900-", 1000, (900, 999)),
            ("bytes=-10", 1000, (990, 999)),
            ("bytes=1000-", 1000, (-1, -1)),
            ("bytes=5-2", 1000, (-1, -1)),
            ("bytes=0-1,5-6", 1000, None),
            ("lines=1", 1000, None),
            ("bytes=-", 1000, None),
        ],
    )
    def test_ranges(self, text: str, size: int, expected: tuple[int, int] | None) -> None:
        assert request.byte_range(text, size) == expected

    @given(st.binary(max_size=400), st.binary(min_size=4, max_size=4))
    def test_websocket_frames(self, data: bytes, mask: bytes) -> None:
        size = bytes((0x80 | len(data),)) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
        header = b"\x82" + size + mask
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        assert request.websocket_sizes(header + masked + bytes(14)) == (len(header), len(data))
        assert request.websocket_unmask(header, masked) == request.WebSocketFrame(code=2, data=data)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> content.Shelf:
    folder = tmp_path_factory.mktemp("decoys")
    (folder / "recorder32.exe").write_bytes(b"MZ32")
    (folder / "recorder64.exe").write_bytes(b"MZ64")
    return content.Shelf(folder)


class TestContent:
    @pytest.mark.parametrize(
        ("path", "agent", "category", "head"),
        [
            ("/", "Mozilla", "page", b"<!DOCTYPE html>"),
            ("/a.exe", "Mozilla", "program", b"MZ32"),
            ("/setup-x64.exe", "", "program", b"MZ64"),
            ("/bins/mips", "", "program", b"\x7fELF\x01\x02"),
            ("/bot.arm7", "Wget/1.21", "program", b"\x7fELF\x01\x01"),
            ("/x86_64", "curl/8", "program", b"\x7fELF\x02\x01"),
            ("/payload", "curl/8", "program", b"\x7fELF\x02"),
            ("/install", "curl/8", "script", b"#!/bin/sh"),
            ("/run.sh", "", "script", b"#!/bin/sh"),
            ("/a.ps1", "", "script", b"$null"),
            ("/x.cmd", "", "script", b"@echo off"),
            ("/l.jar", "", "program", b"PK"),
            ("/l.zip", "", "archive", b"PK"),
            ("/gate.php", "", "page", b"<!DOCTYPE"),
            ("/p.png", "", "image", b"\x89PNG"),
            ("/p.jpg", "", "image", b"\x89PNG"),
            ("/d.pdf", "", "document", b"%PDF"),
            ("/api/v1/hello", "", "json", b"{"),
            ("/x.docx", "", "document", b"PK"),
            ("/shell.bin", "", "data", b"\0\x01"),
            ("/some/page", "Mozilla", "page", b"<!DOCTYPE"),
        ],
    )
    def test_what_is_given(self, shelf: content.Shelf, path: str, agent: str, category: str, head: bytes) -> None:
        item = shelf.pick(path, "http://h" + path, "h", agent=agent)
        assert item.category == category
        assert item.body.startswith(head)

    @pytest.mark.parametrize("path", ["/a.exe", "/a.sh", "/a.vbs", "/a.jar", "/a.zip", "/mips", "/a.hta", "/a.dll"])
    def test_bytes_name_their_url(self, shelf: content.Shelf, path: str) -> None:
        items = [shelf.pick(path, f"http://{host}{path}", host) for host in ("a", "b", "a")]
        assert items[0].sha256 == items[2].sha256 != items[1].sha256
        assert items[0].sha256 == hashlib.sha256(items[0].body).hexdigest()

    @pytest.mark.parametrize(("path", "status"), [("/x86_64", 0), ("/i686", 0)])
    def test_linux_recorders_run(self, shelf: content.Shelf, tmp_path: Path, path: str, status: int) -> None:
        program = tmp_path / "program"
        program.write_bytes(shelf.pick(path, "http://h" + path, "h").body)
        program.chmod(0o700)
        assert subprocess.run([program], timeout=30, check=False).returncode == status

    def test_archives_hold_a_recorder(self, shelf: content.Shelf) -> None:
        item = shelf.pick("/inv oice.zip", "http://h/inv%20oice.zip", "h")
        with zipfile.ZipFile(io.BytesIO(item.body)) as archive:
            hashes = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
        assert hashes == dict(item.members)
        assert "inv_oice.exe" in hashes

    def test_a_marked_jar_is_still_a_zip(self, shelf: content.Shelf) -> None:
        body = shelf.pick("/a.jar", "http://h/a.jar", "h").body
        with zipfile.ZipFile(io.BytesIO(body)) as jar:
            assert jar.testzip() is None
            assert jar.read("Main.class")[:4] == b"\xca\xfe\xba\xbe"


class TestSites:
    @pytest.mark.parametrize(
        ("url", "method", "status", "body"),
        [
            ("http://www.msftconnecttest.com/connecttest.txt", "GET", 200, b"Microsoft Connect Test"),
            ("http://connectivitycheck.gstatic.com/generate_204", "GET", 204, b""),
            ("https://api.ipify.org/", "GET", 200, b"91.64.137.52"),
            ("http://checkip.amazonaws.com/", "GET", 200, b"91.64.137.52\n"),
            ("http://ifconfig.me/ip", "GET", 200, b"91.64.137.52\n"),
            ("http://ip-api.com/line/?fields=hosting", "GET", 200, b"false\n"),
            ("https://discord.com/api/webhooks/1/x", "POST", 204, b""),
            ("https://pastebin.com/raw/AbCdEf12", "GET", 200, b"OK\n"),
        ],
    )
    def test_known_services(self, url: str, method: str, status: int, body: bytes) -> None:
        scheme, rest = url.split("://")
        host, path = rest.split("/", 1)
        seen = request.parse_head(f"{method} /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert seen is not None
        at = request.locate(seen, tls=scheme == "https", fallback="x", port=443 if scheme == "https" else 80)
        found = sites.site(at, method, Place(), gateway=False)
        assert found is not None
        assert (found.status, found.item.body) == (status, body)

    def test_telegram_says_ok(self) -> None:
        at = request.Location(
            url="u", host="api.telegram.org", port=443, path="/bot1:x/sendMessage", query="", absolute=False
        )
        found = sites.site(at, "POST", Place(), gateway=False)
        assert found is not None
        assert msgspec.json.decode(found.item.body)["ok"] is True


class TestMessages:
    def test_the_host_can_read_every_kind(self) -> None:
        required: dict[str, Any] = {
            "name": "n", "method": "GET", "url": "u", "sha256": "s", "size": 1, "head": b"\xff", "category": "program",
            "file": "f", "protocol": "p", "action": "store", "path": "/", "text": "t", "where": "w", "reason": "r",
        }  # fmt: skip
        for tag, kind in messages.EVENTS.items():
            wanted = {field: value for field, value in required.items() if field in kind.__dataclass_fields__}
            message = kind(time=1, client=("1.2.3.4", 5), **wanted)
            raw = msgspec.json.decode(messages.encode(message))
            assert raw.pop("event") == tag
            assert msgspec.convert(raw, kind) == message

    def test_texts_and_heads_are_cut(self) -> None:
        raw = msgspec.json.decode(
            messages.encode(messages.Data(time=1, protocol="tcp" * 5000, head=b"x" * 100_000, size=100_000))
        )
        assert len(raw["protocol"]) == messages.TEXT_LIMIT
        assert len(raw["head"]) < messages.HEAD_LIMIT * 4 / 3 + 4

    def test_frames(self) -> None:
        assert channel.frame(2, b"{}") == b"\x4c\x5a\x02\x00\x02\x00\x00\x00{}"


class TestDatagrams:
    def test_a_time_server(self) -> None:
        question = b"\x23" + bytes(39) + b"originat"
        reply = datagrams.ntp_answer(question, 1_700_000_000 * 10**9 + 5 * 10**8)
        assert reply is not None
        assert (len(reply), reply[0], reply[1], reply[24:32]) == (48, 0x24, 2, b"originat")
        assert struct.unpack("!II", reply[40:48]) == (1_700_000_000 + 2_208_988_800, 1 << 31)

    @given(st.binary(max_size=100))
    def test_rubbish_for_the_time_server(self, data: bytes) -> None:
        reply = datagrams.ntp_answer(data, 0)
        assert reply is None or len(reply) == 48

    @given(st.binary(max_size=65))
    def test_checksums_add_up(self, data: bytes) -> None:
        source, target = b"\x01\x02\x03\x04", b"\x05\x06\x07\x08"
        header = datagrams.udp_header(53, 4000, data)
        checksum = datagrams.udp4_checksum(source, target, header + data)
        whole = source + target + struct.pack("!HH", 17, len(header + data)) + header[:6]
        whole += struct.pack("!H", checksum) + data + b"\0" * (len(data) % 2)
        total = sum(struct.unpack(f"!{len(whole) // 2}H", whole))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        assert total == 0xFFFF


class TestCapture:
    @given(st.binary(max_size=200))
    def test_rubbish_never_raises(self, packet: bytes) -> None:
        capture.summary(packet)

    def test_the_file_is_tcpdumps(self) -> None:
        assert struct.unpack("<IHHiIII", capture.pcap_head())[0] == 0xA1B23C4D
        assert capture.pcap_packet(1, 2, b"abc") == struct.pack("<IIII", 1, 2, 3, 3) + b"abc"


def test_the_redirection_is_whole_instructions() -> None:
    assert len(redirect.program(5)) == 24 * 8
