"""A jar whose main class does nothing, without a Java compiler (JVM specification, chapter 4). Pure."""

from __future__ import annotations

import io
import struct
import zipfile


def class_file() -> bytes:
    """`public class Main { public static void main(String[] a) {} }`, class file version 50 (Java 6)."""

    def text(value: str) -> bytes:
        return b"\x01" + struct.pack("!H", len(value)) + value.encode()

    constants = (
        text("Main"), b"\x07\x00\x01", text("java/lang/Object"), b"\x07\x00\x03",
        text("main"), text("([Ljava/lang/String;)V"), text("Code"),
    )  # fmt: skip
    code = struct.pack("!HHI", 0, 1, 1) + b"\xb1" + struct.pack("!HH", 0, 0)
    method = struct.pack("!HHHH", 0x0009, 5, 6, 1) + struct.pack("!HI", 7, len(code)) + code
    head = struct.pack("!IHHH", 0xCAFEBABE, 0, 50, len(constants) + 1) + b"".join(constants)
    return head + struct.pack("!HHHHHH", 0x0021, 2, 4, 0, 0, 1) + method + struct.pack("!H", 0)


def jar() -> bytes:
    """The whole archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {
            "META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\nMain-Class: Main\r\n\r\n",
            "Main.class": class_file(),
        }.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 3, 15, 10, 12, 4)), data)
    return buffer.getvalue()
