"""FTP (RFC 959, 2428): every login is accepted, every upload taken and recorded, every download is from the shelf."""

from __future__ import annotations

import asyncio
import posixpath
import re
import socket
from collections.abc import Awaitable, Callable

from .channel import BLOB_LIMIT
from .content import Item
from .messages import Endpoint, Ftp, Login
from .stream import SocketLayer, Stream
from .world import World

StartTls = Callable[[Stream], Awaitable[bool]]

_COMMANDS_LIMIT = 10_000
_FIRST_PORT, _PORTS = 40_000, 20_000

_SIMPLE = {
    "SYST": "215 UNIX Type: L8", "TYPE": "200 Type set.", "MODE": "200 Mode set.", "STRU": "200 Structure set.",
    "NOOP": "200 OK.", "ALLO": "202 OK.", "PBSZ": "200 PBSZ=0", "OPTS": "200 OK.", "ABOR": "226 Abort successful.",
    "REST": "350 Restart position accepted.", "SITE": "200 OK.", "CLNT": "200 OK.", "STAT": "211 Server status OK.",
    "FEAT": "211-Features:\r\n AUTH TLS\r\n EPSV\r\n PASV\r\n SIZE\r\n UTF8\r\n211 End",
}  # fmt: skip
_CHANGES = {
    "DELE": "delete", "RMD": "rmdir", "XRMD": "rmdir", "MKD": "mkdir", "XMKD": "mkdir", "RNFR": "", "RNTO": "rename",
}  # fmt: skip


def active_address(command: str, argument: str) -> Endpoint | None:
    """Where a PORT or EPRT command wants the data connection to go."""
    if command == "EPRT":
        parts = argument.split(argument[:1] or "|")
        valid = len(parts) >= 4 and parts[3].isdecimal() and len(parts[3]) < 6
        return (parts[2], int(parts[3])) if valid else None
    numbers = [int(text) for text in re.findall(r"\d{1,3}", argument)]
    if len(numbers) != 6 or max(numbers) > 255:
        return None
    return ".".join(map(str, numbers[:4])), numbers[4] << 8 | numbers[5]


class Session:
    """One control connection."""

    def __init__(self, stream: Stream, world: World, start_tls: StartTls) -> None:
        self._stream = stream
        self._world = world
        self._start_tls = start_tls
        self._user = ""
        self._folder = "/"
        self._protected = False
        self._passive: Endpoint | None = None
        self._active: Endpoint | None = None
        self._from = ""

    async def run(self) -> None:
        """Serve until the sample leaves."""
        await self._stream.send("220 FTP Server ready.\r\n")
        try:
            for _ in range(_COMMANDS_LIMIT):
                line = await self._stream.line()
                if line is None or not await self._command(line):
                    return
        finally:
            self._forget()

    def _path(self, argument: str) -> str:
        return posixpath.normpath(posixpath.join(self._folder, argument or "."))

    async def _command(self, line: str) -> bool:
        """Do one command; false to end the connection."""
        command, _, argument = line.partition(" ")
        command = command.upper()
        if command in {"RETR", "STOR", "APPE", "STOU", "LIST", "NLST", "MLSD"}:
            await self._transfer(command, argument)
            return True
        if command == "AUTH":
            await self._stream.send("234 AUTH TLS OK.\r\n")
            return await self._start_tls(self._stream)
        await self._stream.send(self._reply(command, argument) + "\r\n")
        return command != "QUIT"

    def _reply(self, command: str, argument: str) -> str:
        if command == "USER":
            self._user = argument
            return "331 Password required."
        if command == "PASS":
            self._world.tell(Login, self._stream, protocol="ftp", user=self._user, password=argument)
            return "230 User logged in."
        if command in {"PASV", "EPSV"}:
            return self._listen(command)
        if command in {"PORT", "EPRT"}:
            self._active = active_address(command, argument)
            return "200 Command successful." if self._active else "501 Syntax error."
        if command == "PROT":
            self._protected = argument.upper() == "P"
            return "200 Protection level set."
        if command in {"CWD", "CDUP", "XCWD"}:
            self._folder = self._path(".." if command == "CDUP" else argument)
            return "250 Directory changed."
        if command in {"PWD", "XPWD"}:
            return f'257 "{self._folder}" is the current directory.'
        if command == "SIZE":
            return f"213 {len(self._item(argument)[0].body)}"
        if command == "MDTM":
            return "213 20240315101204"
        if command == "QUIT":
            return "221 Goodbye."
        return self._change(command, argument) if command in _CHANGES else _SIMPLE.get(command, "500 Unknown command.")

    def _change(self, command: str, argument: str) -> str:
        path = self._path(argument)
        if command == "RNFR":
            self._from = path
            return "350 Ready for RNTO."
        shown = f"{self._from} -> {path}" if command == "RNTO" else path
        self._world.tell(Ftp, self._stream, action=_CHANGES[command], path=shown)
        return f'257 "{path}" created.' if "MKD" in command else "250 Command successful."

    def _item(self, argument: str) -> tuple[Item, str]:
        path = self._path(argument)
        url = f"ftp://{self._world.host(self._stream)}{path}"
        return self._world.shelf.pick(path, url, self._world.host(self._stream), agent="wget"), url

    def _forget(self) -> None:
        if self._passive:
            self._world.expected.pop(self._passive, None)
            self._passive = None

    def _listen(self, command: str) -> str:
        self._forget()
        address = self._stream.server[0]
        ports = (_FIRST_PORT + (self._stream.number * 7919 + step) % _PORTS for step in range(64))
        port = next((port for port in ports if (address, port) not in self._world.expected), 0)
        if not port:
            return "425 Can't open data connection."
        self._passive = (address, port)
        self._world.expected[self._passive] = asyncio.get_running_loop().create_future()
        if command == "EPSV" or ":" in address:
            return f"229 Entering Extended Passive Mode (|||{port}|)"
        return f"227 Entering Passive Mode ({address.replace('.', ',')},{port >> 8},{port & 255})"

    async def _open(self) -> tuple[Stream, socket.socket | None] | None:
        """The data connection."""
        if self._passive:
            future = self._world.expected[self._passive]
            data = await future
            self._forget()
            opened: tuple[Stream, socket.socket | None] = (data, None)
        elif self._active and self._active[0] == self._stream.client[0]:
            # Only back to where the sample is: FTP's old way of making servers connect elsewhere leads nowhere.
            sock = socket.socket(socket.AF_INET6 if ":" in self._active[0] else socket.AF_INET)
            sock.setblocking(False)
            sock.bind((self._stream.server[0], 0))
            loop = asyncio.get_running_loop()
            try:
                await loop.sock_connect(sock, self._active)
            except OSError:
                sock.close()
                return None
            opened = Stream(SocketLayer(sock, loop), self._active, self._stream.server, self._stream.number), sock
        else:
            return None
        if self._protected and not await self._start_tls(opened[0]):
            return None
        return opened

    async def _transfer(self, command: str, argument: str) -> None:
        if not self._passive and not self._active:
            await self._stream.send("425 Use PORT or PASV first.\r\n")
            return
        await self._stream.send("150 Opening data connection.\r\n")
        opened = await self._open()
        if opened is None:
            await self._stream.send("425 Can't open data connection.\r\n")
            return
        data, sock = opened
        data.protocol = "ftp-data"
        try:
            if command in {"STOR", "APPE", "STOU"}:
                await self._store(argument, data)
            elif command == "RETR":
                await self._retrieve(argument, data)
            else:
                self._world.tell(Ftp, self._stream, action="list", path=self._path(argument))
                await data.send(_listing(command))
        finally:
            self._active = None
            data.finished.set()
            if sock is not None:
                sock.close()
        await self._stream.send("226 Transfer complete.\r\n")

    async def _store(self, argument: str, data: Stream) -> None:
        kept, size = bytearray(), 0
        while piece := await data.some():
            size += len(piece)
            kept += piece[: max(0, BLOB_LIMIT - len(kept))]
        path = self._path(argument)
        blob = self._world.channel.send_blob("upload", path, bytes(kept)) if size <= BLOB_LIMIT else 0
        self._world.tell(Ftp, self._stream, action="store", path=path, size=size, head=bytes(kept[:4096]), blob=blob)

    async def _retrieve(self, argument: str, data: Stream) -> None:
        item, url = self._item(argument)
        self._world.tell(
            Ftp, self._stream, action="retrieve", path=self._path(argument), size=len(item.body), head=item.body[:64]
        )
        self._world.tell_served(self._stream, item, url)
        await data.send(item.body)


def _listing(command: str) -> str:
    if command == "NLST":
        return "public\r\nreadme.txt\r\n"
    if command == "MLSD":
        return "type=dir;modify=20240315101204; public\r\ntype=file;size=3;modify=20240315101204; readme.txt\r\n"
    return (
        "drwxr-xr-x   2 ftp      ftp          4096 Mar 15  2024 public\r\n"
        "-rw-r--r--   1 ftp      ftp             3 Mar 15  2024 readme.txt\r\n"
    )
