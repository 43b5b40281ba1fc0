from __future__ import annotations

import base64

from lazaretto.sandbox.account.records import Kind

CLIENT = ["192.168.178.34", 40001]


def test_dns_connection_and_request_are_joined_by_port(linux):
    linux.sample()
    linux.record(Kind.FORK, 101, 11)
    linux.exec("/usr/bin/curl", pid=101)
    linux.connect("192.168.178.1", 53, 30000, Kind.SENDTO, 17, pid=101)
    linux.internet("dns", name="evil.example", answers=["10.9.8.7"], client=["192.168.178.34", 30000],
                   server=["192.168.178.1", 53])  # fmt: skip
    linux.connect("10.9.8.7", 80, 40001, pid=101, result=-115)
    linux.internet("http", method="POST", url="http://evil.example/gate", client=CLIENT, server=["10.9.8.7", 80],
                   headers=[["User-Agent", "x"]], body=base64.b64encode(b"data").decode(), status=200,
                   connection=1)  # fmt: skip
    linux.internet("close", connection=1, sent=100, received=5, client=CLIENT, protocol="http")
    trace = linux.trace()
    dns, connect, http = (event for event in trace.events if event.kind.startswith("net."))
    assert {event.process for event in (dns, connect, http)} == {2}
    assert (dns.name, dns.answers) == ("evil.example", ("10.9.8.7",))
    assert (connect.address, connect.port, connect.host, connect.ok) == ("10.9.8.7", 80, "evil.example", True)
    assert (http.method, http.body, http.headers, http.source) == ("POST", b"data", {"User-Agent": "x"}, "internet")


def test_a_conversation_in_no_known_protocol_is_one_event(linux):
    linux.sample()
    linux.connect("10.9.8.7", 4444, 40001)
    linux.internet("data", protocol="tcp", head=base64.b64encode(b"hi").decode(), size=2, client=CLIENT,
                   server=["10.9.8.7", 4444], connection=3)  # fmt: skip
    linux.internet("close", connection=3, sent=200, received=50, client=CLIENT, server=["10.9.8.7", 4444],
                   head=base64.b64encode(b"hi there").decode())  # fmt: skip
    (data,) = linux.events("net.data")
    assert (data.head, data.sent, data.received) == (b"hi there", 200, 50)


def test_mail_login_and_listening(linux):
    linux.sample()
    linux.connect("10.9.8.7", 25, 40001)
    linux.internet(
        "smtp", sender="a@b", recipients=["c@d"], subject="s", size=3, client=CLIENT, server=["10.9.8.7", 25]
    )
    linux.internet("login", protocol="ftp", user="u", password="p", client=CLIENT, server=["10.9.8.7", 21])
    linux.record(Kind.BIND, 2, 6, 8080, 8080, strings=(b"\0\0\0\0",))
    linux.record(Kind.LISTEN, 2, 6, 8080, 8080, strings=(b"\0\0\0\0",))
    linux.record(Kind.SOCKET, 17, 3, 768)
    mail, login, listen, raw = linux.events("net.smtp", "api", "net.listen", "net.raw")
    assert (mail.recipients, login.arguments) == (("c@d",), ("u", "p"))
    assert (listen.protocol, listen.port) == ("tcp", 8080)
    assert (raw.family, raw.type) == ("packet", "raw")


def test_running_what_was_served_is_recognised(linux):
    head = b"MZ" + bytes(range(62))
    linux.sample()
    linux.write("/tmp/dl", head + b"rest")
    linux.record(Kind.RENAME, strings=(b"/tmp/dl", b"/tmp/run"))
    linux.record(Kind.FORK, 101, 11)
    linux.exec("/tmp/run", pid=101)
    linux.internet("served", url="http://evil.example/a.exe", sha256="ab" * 32, size=68,
                   head=base64.b64encode(head).decode(), category="program", file="recorder.elf")  # fmt: skip
    trace = linux.trace()
    (recorder,) = (event for event in trace.events if event.kind == "recorder")
    assert (recorder.url, recorder.path) == ("http://evil.example/a.exe", "/tmp/dl")
    assert [trace.events[reason].kind for reason in recorder.because] == ["file.write", "process.start"]


def test_served_script_by_hash_of_what_was_left(linux):
    linux.sample()
    linux.write("/tmp/x.sh", b"#!/bin/sh\n")
    linux.keeper("blob", kind="dropped", path="/tmp/x.sh", sha256="cd" * 32)
    linux.record(Kind.FORK, 101, 11)
    linux.exec("/bin/dash", "sh", "x.sh", pid=101, cwd="/tmp")
    linux.internet(
        "served", url="http://e/x.sh", sha256="cd" * 32, size=10, head="", category="script", file="recorder.sh"
    )
    (recorder,) = linux.events("recorder")
    assert recorder.url == "http://e/x.sh"


def test_malformed_messages_are_counted(linux):
    linux.sample()
    linux.internet("dns", name=5)
    linux.internet("http", url="x")
    linux.internet("nothing-of-ours", x=1)
    linux.account.feed_message("internet", {})
    assert linux.trace().lost.host == 2
