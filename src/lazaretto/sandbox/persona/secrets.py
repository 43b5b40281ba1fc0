"""Keys, tokens, wallets and saved passwords: the right form in the right place, opening nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import struct
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from lazaretto.sandbox.persona import prose
from lazaretto.sandbox.persona.browsers import database
from lazaretto.sandbox.persona.documents import password_for
from lazaretto.sandbox.persona.item import Item, Kind, stream, worked_on
from lazaretto.sandbox.persona.person import Person

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def developer_items(person: Person) -> Iterator[Item]:
    """What command-line tools keep, in the same places on Linux and on Windows."""
    yield from ssh_items(person, person.user)
    rng = stream(person.seed, "tools")
    secret = base64.b64encode(rng.randbytes(30)).decode()
    aws = (
        f"[default]\naws_access_key_id = AKIA{''.join(rng.choices(_BASE32, k=16))}\naws_secret_access_key = {secret}\n"
    )
    yield _item(rng, ".aws/credentials", aws, Kind.CLOUD_KEY)
    yield Item(".aws/config", b"[default]\nregion = eu-west-1\noutput = json\n", worked_on(rng), None, 0o600)
    token = "ghp_" + "".join(rng.choices(_LETTERS, k=36))
    yield _item(rng, ".git-credentials", f"https://{person.user}:{token}@github.com\n", Kind.CREDENTIALS)
    git = f"[user]\n\tname = {person.name}\n\temail = {person.mail}\n[credential]\n\thelper = store\n"
    yield Item(".gitconfig", git.encode(), worked_on(rng))
    netrc = f"machine ftp.{person.domain}\n  login {person.user}\n  password {password_for(person, 'ftp')}\n"
    yield _item(rng, ".netrc", netrc, Kind.CREDENTIALS)
    yield _item(
        rng,
        ".npmrc",
        f"//registry.npmjs.org/:_authToken=npm_{''.join(rng.choices(_LETTERS, k=36))}\n",
        Kind.CREDENTIALS,
    )
    auth = base64.b64encode(f"{person.user}:{password_for(person, 'docker')}".encode()).decode()
    docker = {"auths": {"https://index.docker.io/v1/": {"auth": auth}, f"registry.{person.domain}": {"auth": auth}}}
    yield _item(rng, ".docker/config.json", json.dumps(docker, indent=1), Kind.CREDENTIALS)
    yield _item(rng, ".kube/config", _kube(person, rng), Kind.CLOUD_KEY)
    azure = {"installationId": str(UUID(bytes=rng.randbytes(16))), "subscriptions": [
        {"id": str(UUID(bytes=rng.randbytes(16))), "name": person.company, "state": "Enabled", "isDefault": True,
         "user": {"name": person.mail, "type": "user"}}]}  # fmt: skip
    yield _item(rng, ".azure/azureProfile.json", json.dumps(azure, indent=1), Kind.CLOUD_KEY)


def ssh_items(person: Person, user: str) -> Iterator[Item]:
    """`.ssh` of one account: an Ed25519 key pair in OpenSSH's own format (PROTOCOL.key), and the hosts it was used
    for."""
    rng = stream(person.seed, "ssh", user)
    public, private, check = rng.randbytes(32), rng.randbytes(32), rng.randbytes(4)
    comment = f"{user}@{person.server}".encode()
    blob = _field(b"ssh-ed25519") + _field(public)
    inner = check * 2 + blob + _field(private + public) + _field(comment)
    inner += bytes(range(1, 1 + -len(inner) % 8))
    key = b"openssh-key-v1\0" + _field(b"none") * 2 + _field(b"") + struct.pack(">I", 1) + _field(blob) + _field(inner)
    text = base64.b64encode(key).decode()
    lines = "\n".join(text[start : start + 70] for start in range(0, len(text), 70))
    armour = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{lines}\n-----END OPENSSH PRIVATE KEY-----\n"
    age = worked_on(rng, youngest=200)
    yield Item(".ssh/id_ed25519", armour.encode(), age, Kind.SSH_KEY, 0o600)
    yield Item(".ssh/id_ed25519.pub", b"ssh-ed25519 " + base64.b64encode(blob) + b" " + comment + b"\n", age)
    hosts = [
        f"{person.town.lower()}-db01",
        "github.com",
        f"backup.{person.domain}",
        f"10.20.{rng.randrange(9)}.{rng.randrange(2, 250)}",
    ]
    known = "".join(
        f"{host} ssh-ed25519 {base64.b64encode(_field(b'ssh-ed25519') + _field(rng.randbytes(32))).decode()}\n"
        for host in hosts
    )
    yield _item(rng, ".ssh/known_hosts", known, Kind.SSH_KEY)
    config = f"Host db\n  HostName {hosts[0]}\n  User deploy\n\nHost backup\n  HostName {hosts[2]}\n  Port 2222\n"
    yield _item(rng, ".ssh/config", config, Kind.SSH_KEY)


def _field(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _item(rng: random.Random, path: str, text: str, kind: Kind) -> Item:
    return Item(path, text.encode(), worked_on(rng, oldest=300), kind, 0o600)


def _kube(person: Person, rng: random.Random) -> str:
    certificate = base64.b64encode(rng.randbytes(600)).decode()
    return (
        "apiVersion: v1\nkind: Config\nclusters:\n- name: production\n  cluster:\n"
        f"    server: https://k8s.{person.domain}:6443\n    certificate-authority-data: {certificate}\n"
        "contexts:\n- name: production\n  context: {cluster: production, user: deploy}\ncurrent-context: production\n"
        f"users:\n- name: deploy\n  user:\n    token: {base64.b64encode(rng.randbytes(120)).decode()}\n"
    )


def wallet_items(person: Person, bitcoin: str, electrum: str, exodus: str) -> Iterator[Item]:
    """Wallets of Bitcoin Core, Electrum and Exodus in the folders given."""
    rng = stream(person.seed, "wallets")
    yield Item(f"{bitcoin}/wallet.dat", _berkeley_wallet(rng), worked_on(rng, oldest=300), Kind.WALLET, 0o600)
    addresses = ["bc1q" + "".join(rng.choices("023456789acdefghjklmnpqrstuvwxyz", k=38)) for _ in range(8)]
    store = {
        "addresses": {"receiving": addresses[:6], "change": addresses[6:]},
        "keystore": {
            "type": "bip32", "pw_hash_version": 1, "derivation": "m/0'", "root_fingerprint": rng.randbytes(4).hex(),
            "seed": base64.b64encode(rng.randbytes(96)).decode(), "seed_type": "segwit",
            "xprv": base64.b64encode(rng.randbytes(128)).decode(),
            "xpub": "zpub6" + "".join(rng.choices(_LETTERS.replace("0", "1").replace("O", "P").replace("I",
            "J").replace("l", "m"), k=106)),
        },
        "seed_version": 52, "use_encryption": True, "wallet_type": "standard",
    }  # fmt: skip
    yield _item(rng, f"{electrum}/wallets/default_wallet", json.dumps(store, indent=4), Kind.WALLET)
    for name, size in (("seed.seco", 1024), ("info.seco", 512), ("storage.seco", 2048)):
        content = b"SECO" + struct.pack(">I", 0) + b"seco-v0-scrypt-aes" + rng.randbytes(size)
        yield Item(f"{exodus}/exodus.wallet/{name}", content, worked_on(rng, oldest=300), Kind.WALLET, 0o600)
    phrase = {"passphrase": base64.b64encode(rng.randbytes(32)).decode()}
    yield _item(rng, f"{exodus}/exodus.wallet/passphrase.json", json.dumps(phrase), Kind.WALLET)


def _berkeley_wallet(rng: random.Random) -> bytes:
    """Pages of a Berkeley DB B-tree (magic 0x053162, version 9) with the record names that Bitcoin Core writes."""
    meta = bytearray(4096)
    struct.pack_into("<QIIIIBBBB", meta, 0, 1, 0, 0x053162, 9, 4096, 0, 9, 0, 0)
    struct.pack_into("<I", meta, 32, 3)
    meta[52:72] = rng.randbytes(20)
    pages = [bytes(meta)]
    for number in range(1, 4):
        page = bytearray(4096)
        struct.pack_into("<QIIIHHBB", page, 0, 1, number, 0, 0, 24, 2048, 1, 5)
        at = 2048
        for name in (b"\x04mkey", b"\x04ckey", b"\x07keymeta", b"\x04name", b"\x07version"):
            record = name + rng.randbytes(rng.randrange(48, 160))
            page[at : at + len(record)] = record
            at += len(record) + 8
        pages.append(bytes(page))
    return b"".join(pages)


def safe_item(person: Person, path: str) -> Item:
    """A KeePass database: signature and version 4.0, then what encrypted data looks like."""
    rng = stream(person.seed, "safe")
    cipher = bytes.fromhex("31c1f2e6bf714350be5805216afc5aff")  # AES-256, by its published identifier
    head = struct.pack("<IIHH", 0x9AA2D903, 0xB54BFB67, 0, 4)
    for kind, data in (
        (2, cipher),
        (3, struct.pack("<I", 1)),
        (4, rng.randbytes(32)),
        (7, rng.randbytes(16)),
        (0, b"\r\n\r\n"),
    ):
        head += struct.pack("<BI", kind, len(data)) + data
    content = head + hashlib.sha256(head).digest() + rng.randbytes(5200)
    return Item(path, content, worked_on(rng, oldest=60), Kind.PASSWORD_SAFE, 0o600)


def transfer_items(person: Person, filezilla: str, vpn: str) -> Iterator[Item]:
    """FileZilla's sites and a VPN configuration with its saved login."""
    rng = stream(person.seed, "transfer")
    servers = "".join(
        f"<Server><Host>{host}</Host><Port>21</Port><Protocol>0</Protocol><Type>0</Type><User>{person.user}</User>"
        f'<Pass encoding="base64">{base64.b64encode(password_for(person, host).encode()).decode()}</Pass>'
        f"<Logontype>1</Logontype><Name>{host.split('.')[0]}</Name></Server>\n"
        for host in (f"ftp.{person.domain}", f"www.{person.domain}", f"backup.{person.domain}")
    )
    for name, outer in (("sitemanager.xml", "Servers"), ("recentservers.xml", "RecentServers")):
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<FileZilla3 version="3.63.0">\n<{outer}>'
            f"\n{servers}</{outer}>\n</FileZilla3>\n"
        )
        yield _item(rng, f"{filezilla}/{name}", text, Kind.CREDENTIALS)
    key = base64.b64encode(rng.randbytes(288)).decode()
    ovpn = (
        f"client\ndev tun\nproto udp\nremote vpn.{person.domain} 1194\nauth-user-pass login.txt\ncipher AES-256-GCM\n"
        f"<key>\n-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n</key>\n"
    )
    yield _item(rng, f"{vpn}/{person.town}.ovpn", ovpn, Kind.CREDENTIALS)
    yield _item(rng, f"{vpn}/login.txt", f"{person.user}\n{password_for(person, 'vpn')}\n", Kind.CREDENTIALS)


def messenger_items(person: Person, discord: str, telegram: str) -> Iterator[Item]:
    """Where Discord and Telegram keep the session that logs in without a password."""
    rng = stream(person.seed, "messenger")
    account = base64.b64encode(str(rng.randrange(10**17, 10**18)).encode()).decode().rstrip("=")
    token = f"{account}.{''.join(rng.choices(_LETTERS, k=6))}.{''.join(rng.choices(_LETTERS, k=38))}"
    content = rng.randbytes(11) + b'_https://discord.com\x00\x01token"' + f'"{token}"'.encode() + rng.randbytes(200)
    yield Item(f"{discord}/Local Storage/leveldb/000005.ldb", content, worked_on(rng, oldest=30), Kind.MESSENGER, 0o600)
    for name, size in (("key_datas", 388), ("D877F783D5D3EF8Cs", 1400)):
        data = b"TDF$" + struct.pack("<I", 4009004) + rng.randbytes(size)
        yield Item(f"{telegram}/tdata/{name}", data, worked_on(rng, oldest=30), Kind.MESSENGER, 0o600)


def history(person: Person, user: str) -> str:
    """What the account typed into a Linux shell."""
    rng = stream(person.seed, "history", user)
    common = [
        "ls -la", "cd /var/log", "df -h", "free -m", "top", "git pull", "git status", "ssh db", "less notes.txt",
        f"ssh {person.user}@backup.{person.domain}", "uptime", "vim todo.txt", "cd Documents", "du -sh *", "exit",
        f"scp report.tar.gz backup:/srv/{person.town.lower()}/", "python3 clean_orders.py orders_export.csv",
        "docker ps", "kubectl get pods -n production", "crontab -l", "history | grep scp", "tail -f app.log",
    ]  # fmt: skip
    admin = [
        "apt update", "apt upgrade", "systemctl status nginx", "systemctl restart nginx", "journalctl -u cron -n 50",
        "tail -n 100 /var/log/syslog", "vim /etc/nginx/sites-enabled/default", "nginx -t", "ss -tlnp", "crontab -e",
        f"mysql -u root -p'{password_for(person, 'mysql')}' orders", "ufw status", "lastlog", "passwd deploy",
        f"curl -u admin:{password_for(person, 'portal')} https://portal.{person.domain}/api/health",
    ]  # fmt: skip
    words = common + (admin * 2 if user == "root" else [])
    return "\n".join(rng.choice(words) for _ in range(rng.randrange(120, 240))) + "\n"


def windows_secrets(person: Person, roaming: str, local: str) -> Iterator[Item]:
    """What only Windows has: the credential stores, WinSCP, saved remote desktops, PowerShell's history."""
    rng = stream(person.seed, "windows")
    guid = str(UUID(bytes=rng.randbytes(16)))
    blob = (
        struct.pack("<I", 1) + bytes.fromhex("d08c9ddf0115d1118c7a00c04fc297eb") + rng.randbytes(360)
    )  # DPAPI's provider
    for place in (f"{roaming}/Microsoft/Credentials", f"{local}/Microsoft/Credentials"):
        yield Item(f"{place}/{rng.randbytes(16).hex().upper()}", blob, worked_on(rng), Kind.CREDENTIALS, 0o600)
    authority = "-".join(str(rng.randrange(10**9)) for _ in range(3))
    master = struct.pack("<III", 2, 0, 0) + guid.encode("utf-16-le") + rng.randbytes(600)
    place = f"{roaming}/Microsoft/Protect/S-1-5-21-{authority}-1001/{guid}"
    yield Item(place, master, worked_on(rng), Kind.CREDENTIALS, 0o600)
    winscp = (
        f"[Sessions\\{person.user}@ftp.{person.domain}]\nHostName=ftp.{person.domain}\nUserName={person.user}\n"
        f"Password={rng.randbytes(24).hex().upper()}\n"
    )
    yield _item(rng, f"{roaming}/WinSCP.ini", winscp, Kind.CREDENTIALS)
    rdp = (
        f"full address:s:ts01.{person.domain}\r\nusername:s:{person.company[:4].upper()}\\{person.user}\r\n"
        f"password 51:b:{rng.randbytes(120).hex().upper()}\r\n"
    )
    yield _item(rng, "Documents/Default.rdp", rdp, Kind.CREDENTIALS)
    typed = "\r\n".join(
        rng.choices(("ipconfig /all", "ping ts01", "Get-ChildItem", "cd Documents", "gpupdate /force", "net use"), k=30)
    )
    yield _item(
        rng, f"{roaming}/Microsoft/Windows/PowerShell/PSReadLine/ConsoleHost_history.txt", typed, Kind.SHELL_HISTORY
    )
    note = "\r\n".join(prose.paragraphs(person, rng, "the wifi password", 3))
    yield Item(f"{local}/Packages/Microsoft.MicrosoftStickyNotes_8wekyb3d8bbwe/LocalState/plum.sqlite",
               _notes(note), timedelta(days=4), Kind.DOCUMENT, 0o600)  # fmt: skip


def _notes(text: str) -> bytes:

    return database("CREATE TABLE Note (Text varchar, Id varchar, Theme varchar);", {"Note": [(text, "1", "Yellow")]})
