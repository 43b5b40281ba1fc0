"""Writes the logs of a machine in use, and who was logged in. Runs once, inside the root, when the image is built."""

import os
import random
import struct
import sys
import time
from pathlib import Path

USER, HOST = sys.argv[1:3]
NOW = int(time.time()) // 3600 * 3600
LOG = Path("/var/log")
choose = random.Random(f"{USER}@{HOST}")


def stamp(at: float) -> str:
    return time.strftime("%b %e %H:%M:%S", time.gmtime(at))


def syslog(days: int) -> list[str]:
    lines = []
    for at in sorted(NOW - choose.uniform(0, days * 86400) for _ in range(days * 90)):
        number = choose.randrange(400, 32000)
        text = choose.choice(
            (
                f"CRON[{number}]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
                "systemd[1]: Starting logrotate.service - Rotate log files...",
                "systemd[1]: Finished apt-daily.service - Daily apt download activities.",
                f"systemd[1]: Started session-{number % 900}.scope - Session {number % 900} of User {USER}.",
                "dbus-daemon[512]: [system] Successfully activated service 'org.freedesktop.hostname1'",
                "systemd-timesyncd[488]: Contacted time server 10.20.4.1:123 (10.20.4.1).",
                f'rsyslogd: [origin software="rsyslogd" swVersion="8.2302.0" x-pid="{number}"] rsyslogd was HUPed',
            )
        )
        lines.append(f"{stamp(at)} {HOST} {text}\n")
    return lines


def auth(days: int) -> list[str]:
    lines = []
    for at in sorted(NOW - choose.uniform(0, days * 86400) for _ in range(days * 30)):
        number, port = choose.randrange(400, 32000), choose.randrange(30000, 60000)
        stranger = ".".join(str(choose.randrange(1, 254)) for _ in range(4))
        text = choose.choice(
            (
                (
                    f"sshd[{number}]: Accepted publickey for {USER} from 10.20.4.17 "
                    f"port {port} ssh2: ED25519 SHA256:kq0Zr4"
                ),
                f"sshd[{number}]: Failed password for invalid user admin from {stranger} port {port} ssh2",
                f"sshd[{number}]: Invalid user oracle from {stranger} port {port}",
                f"sudo: {USER:>8} : TTY=pts/0 ; PWD=/home/{USER} ; USER=root ; COMMAND=/usr/bin/apt update",
                f"CRON[{number}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
            )
        )
        lines.append(f"{stamp(at)} {HOST} {text}\n")
    return lines


def requests(count: int) -> list[str]:
    lines = []
    for at in sorted(NOW - choose.uniform(0, 3 * 86400) for _ in range(count)):
        path = choose.choice(("/", "/orders", "/login", "/static/app.css", "/favicon.ico", "/api/health"))
        when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))
        status = choose.choice((200, 200, 200, 304, 404))
        lines.append(
            f'10.20.4.{choose.randrange(10, 99)} - - [{when}] "GET {path} HTTP/'
            f'1.1" {status} {choose.randrange(150, 9000)} '
            '"-" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"\n'
        )
    return lines


def login_record(kind: int, line: str, user: str, host: str, at: float) -> bytes:
    """One `struct utmp` of x86-64 glibc, 384 bytes."""
    head = struct.pack(
        "<hxxi32s4s32s256s", kind, choose.randrange(500, 9000), line.encode(), b"ts/0", user.encode(), host.encode()
    )
    return head + struct.pack("<hhiii16s20x", 0, 0, 0, int(at), 0, bytes([10, 20, 4, 17]))


def write(path: Path, text: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(text))


write(LOG / "syslog.1", syslog(7))
write(LOG / "syslog", syslog(1))
write(LOG / "auth.log.1", auth(7))
write(LOG / "auth.log", auth(2))
write(
    LOG / "kern.log",
    [
        (
            f"{stamp(NOW - 4171260)} {HOST} kernel: [    0.000000] Linux version 6.1.0-44-amd64 "
            f"(debian-kernel@lists.debian.org)\n"
        )
    ],
)
write(LOG / "nginx/access.log", requests(400))
write(LOG / "nginx/error.log", [])
logins = [NOW - day * 86400 - choose.randrange(0, 30000) for day in range(60, 0, -1)]
(LOG / "wtmp").write_bytes(b"".join(login_record(7, "pts/0", USER, "10.20.4.17", at) for at in logins))
(LOG / "btmp").write_bytes(
    b"".join(login_record(6, "ssh:notty", "admin", "198.51.100.7", at + 99) for at in logins[::3])
)
lastlog = struct.pack("<i32s256s", logins[-1], b"pts/0", b"10.20.4.17")
(LOG / "lastlog").write_bytes(lastlog + bytes(292 * 999) + lastlog)
current = login_record(2, "~", "reboot", "6.1.0-44-amd64", NOW - 4171260) + login_record(
    7, "pts/0", "root", "10.20.4.17", NOW - 600
)
Path("/var/lib/init").mkdir(parents=True, exist_ok=True)
Path("/var/lib/init/utmp").write_bytes(current)
for path in LOG.rglob("*"):
    if path.is_file():
        os.utime(path, (NOW - 60, NOW - 60))
os.utime(LOG / "syslog.1", (NOW - 86400, NOW - 86400))
