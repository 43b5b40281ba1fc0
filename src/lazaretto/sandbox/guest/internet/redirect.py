"""Every TCP connection and every datagram, whatever address and port, reaches two sockets of ours.

Done by an eBPF program of type SK_LOOKUP (Linux 5.9): when the kernel looks for the socket of a packet, the program
names ours. It needs no netfilter module, no rule and no tool in the guest, and the original destination stays simply
the local address of the connection. That the packet gets as far as the look-up is the work of `network.py`
(all addresses are local). The program is short enough to be written down as instructions here; they are loaded
with bpf(2), so that neither a compiler nor libbpf is needed.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct

_SYS_BPF = 321  # x86-64
_MAP_CREATE, _MAP_UPDATE, _PROG_LOAD, _LINK_CREATE = 0, 2, 5, 28
_MAP_TYPE_SOCKMAP, _PROG_TYPE_SK_LOOKUP, _ATTACH_SK_LOOKUP = 15, 30, 36
_HELPER_MAP_LOOKUP, _HELPER_SK_RELEASE, _HELPER_SK_ASSIGN = 1, 86, 124

# Fields of struct bpf_sk_lookup.
_CTX_FAMILY, _CTX_PROTOCOL = 8, 12

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes, max(len(attributes), 128))
    result = int(_libc.syscall(_SYS_BPF, command, buffer, len(buffer)))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"bpf({command}): {os.strerror(error)}")
    return result


def _instruction(code: int, target: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return struct.pack("<BBhi", code, source << 4 | target, offset, value)


def program(map_descriptor: int) -> bytes:
    """The instructions: pick the socket at index (UDP ? 1 : 0) | (IPv6 ? 2 : 0) of the map, if there is one."""
    load_word, store_word, move, move_value, add_value, or_value = 0x61, 0x63, 0xBF, 0xB7, 0x07, 0x47
    if_equal, if_not_equal, call, leave = 0x15, 0x55, 0x85, 0x95
    return b"".join(
        (
            _instruction(move, 6, 1),  # r6 = context
            _instruction(load_word, 2, 6, _CTX_PROTOCOL),
            _instruction(move_value, 3, value=0),
            _instruction(if_not_equal, 2, offset=1, value=socket.IPPROTO_UDP),
            _instruction(move_value, 3, value=1),
            _instruction(load_word, 4, 6, _CTX_FAMILY),
            _instruction(if_not_equal, 4, offset=1, value=socket.AF_INET6),
            _instruction(or_value, 3, value=2),
            _instruction(store_word, 10, 3, -4),  # key on the stack
            _instruction(0x18, 1, 1, value=map_descriptor),  # r1 = map, in two halves
            _instruction(0),
            _instruction(move, 2, 10),
            _instruction(add_value, 2, value=-4),
            _instruction(call, value=_HELPER_MAP_LOOKUP),
            _instruction(if_equal, 0, offset=7, value=0),  # no such socket: the usual look-up
            _instruction(move, 7, 0),
            _instruction(move, 1, 6),
            _instruction(move, 2, 7),
            _instruction(move_value, 3, value=0),
            _instruction(call, value=_HELPER_SK_ASSIGN),
            _instruction(move, 1, 7),
            _instruction(call, value=_HELPER_SK_RELEASE),
            _instruction(move_value, 0, value=1),  # SK_PASS
            _instruction(leave),
        )
    )


def redirect(sockets: dict[tuple[int, int], socket.socket], namespace: str = "/proc/self/ns/net") -> list[int]:
    """Send everything that arrives in this network namespace to `sockets`, by (address family, protocol).

    TCP sockets must be listening, UDP sockets bound and not connected. The redirection lasts as long as the returned
    descriptors stay open.
    """
    map_descriptor = _bpf(_MAP_CREATE, struct.pack("<IIII", _MAP_TYPE_SOCKMAP, 4, 8, 4))
    for (family, protocol), sock in sockets.items():
        index = (protocol == socket.IPPROTO_UDP) | (family == socket.AF_INET6) << 1
        key, value = ctypes.c_uint32(index), ctypes.c_uint64(sock.fileno())
        attributes = struct.pack("<IIQQQ", map_descriptor, 0, ctypes.addressof(key), ctypes.addressof(value), 0)
        _bpf(_MAP_UPDATE, attributes)
    code = program(map_descriptor)
    instructions = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack(
        "<IIQQIIQII16sII",
        _PROG_TYPE_SK_LOOKUP, len(code) // 8, ctypes.addressof(instructions), ctypes.addressof(licence),
        0, 0, 0, 0, 0, b"anywhere", 0, _ATTACH_SK_LOOKUP,
    )  # fmt: skip
    program_descriptor = _bpf(_PROG_LOAD, attributes)
    namespace_descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        link = _bpf(_LINK_CREATE, struct.pack("<IIII", program_descriptor, namespace_descriptor, _ATTACH_SK_LOOKUP, 0))
    finally:
        os.close(namespace_descriptor)
        os.close(program_descriptor)
    return [map_descriptor, link]
