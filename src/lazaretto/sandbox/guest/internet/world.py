"""What the services share: names, certificates, content, the way to the host, and the open connections."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .channel import Channel
from .content import Item, Shelf
from .messages import Close, Endpoint, Message, Served
from .names import Names
from .place import Place
from .stream import Stream

if TYPE_CHECKING:
    from .certificates import Certificates  # needs python3-cryptography, which only the daemon has to have


@dataclass
class World:
    """One instance for the daemon. `streams` are the open connections by number."""

    names: Names
    certificates: Certificates
    shelf: Shelf
    channel: Channel
    place: Place = field(default_factory=Place)
    streams: dict[int, Stream] = field(default_factory=dict)
    # Data connections of FTP that were announced, by the server's address and port.
    expected: dict[Endpoint, asyncio.Future[Stream]] = field(default_factory=dict)

    def tell(self, kind: type[Message], stream: Stream, **fields: Any) -> None:
        """Send a message about a connection to the host."""
        self.channel.send(
            kind(
                time=time.monotonic_ns(),
                client=stream.client,
                server=stream.server,
                host=self.names.name(stream.server[0]),
                connection=stream.number,
                **fields,
            )
        )

    def tell_served(self, stream: Stream, item: Item, url: str) -> None:
        """Say what was handed out, if it is something that may be run."""
        if item.recorded:
            self.tell(
                Served, stream, url=url, sha256=item.sha256, size=len(item.body), head=item.body[:64],
                category=item.category, file=item.file, members=item.members,
            )  # fmt: skip

    def tell_close(self, stream: Stream, *, still_open: bool = False) -> None:
        """Say how much went over a connection."""
        self.tell(
            Close, stream, sent=stream.sent, received=stream.received, protocol=stream.protocol,
            head=bytes(stream.head), open=still_open,
        )  # fmt: skip

    def host(self, stream: Stream) -> str:
        """The name the sample has in mind for this server, else its address."""
        return stream.server_name or self.names.name(stream.server[0]) or stream.server[0]
