"""PDF (ISO 32000-2) as plain Python values: qpdf reads the file, repairs what it can, and gives its objects as JSON.

A dictionary is a dict with keys that begin with a slash, a reference `"12 0 R"`, a string `"u:text"` or `"b:hex"`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

LOADS = ("lazaretto.analysis.documents.warm", "pikepdf", "pikepdf._core", "pikepdf.models", "PIL.Image", "lxml.etree")
_MOST_JSON = 192 << 20
_MOST_STREAM = 32 << 20
_DEEPEST = 60
_REFERENCE = re.compile(r"(\d+) (\d+) R\Z")


class LockedError(Exception):
    """It is encrypted, and no password opens it."""


@dataclass(frozen=True)
class Stream:
    """A stream's dictionary, and where its data is."""

    number: int
    generation: int
    dictionary: Mapping[str, Any]


class Document:
    """An opened file. Raises `LockedError`, and `ValueError` where it is no PDF that can be read."""

    def __init__(self, data: bytes, passwords: Iterable[str]) -> None:
        self.password: str | None = None  # that opened it; None if it needs none
        self._pdf = self._open(data, passwords)
        self.encrypted = bool(self._pdf.is_encrypted)
        self.warnings: int = 0
        self._objects, self.trailer = self._parsed()
        self.warnings = len(self._pdf.get_warnings())

    def _open(self, data: bytes, passwords: Iterable[str]) -> Any:
        import pikepdf  # noqa: PLC0415  only in the cage

        for password in dict.fromkeys(["", *passwords]):
            try:
                found = pikepdf.open(io.BytesIO(data), password=password, suppress_warnings=True)
            except pikepdf.PasswordError:
                continue
            except (pikepdf.PdfError, ValueError, RuntimeError, OverflowError, OSError) as error:
                raise ValueError(str(error)[:200]) from error
            self.password = password or None
            return found
        raise LockedError

    def _parsed(self) -> tuple[dict[str, Any], Any]:
        import pikepdf  # noqa: PLC0415  only in the cage

        out = _Bounded()
        try:
            self._pdf.write_qpdf_json(
                out, decode_level=pikepdf.StreamDecodeLevel.none, json_stream_data=pikepdf.JSONStreamData.none
            )
            objects = msgspec.json.decode(out.getvalue())["qpdf"][1]
        except (pikepdf.PdfError, RuntimeError, msgspec.DecodeError, KeyError, IndexError, OSError) as error:
            raise ValueError(str(error)[:200]) from error
        trailer = objects.pop("trailer", {}).get("value", {})
        return {key.removeprefix("obj:"): value for key, value in objects.items()}, trailer

    # --- objects ---

    def resolve(self, value: Any) -> Any:
        """The value itself, behind references; a stream's dictionary for a stream."""
        for _ in range(20):
            if not (isinstance(value, str) and _REFERENCE.match(value)):
                return value
            held = self._objects.get(value, {})
            value = held["stream"].get("dict", {}) if "stream" in held else held.get("value")
        return None

    def get(self, value: Any, *keys: str) -> Any:
        """What is found along these keys, behind references; None where there is nothing."""
        value = self.resolve(value)
        for key in keys:
            value = self.resolve(value.get(key)) if isinstance(value, dict) else None
        return value

    def streams(self) -> Iterator[Stream]:
        for name, held in self._objects.items():
            match = _REFERENCE.match(name)
            if match and "stream" in held:
                yield Stream(int(match[1]), int(match[2]), held["stream"].get("dict", {}))

    def stream(self, reference: Any) -> Stream | None:
        """The stream behind a reference."""
        for _ in range(20):
            match = _REFERENCE.match(reference) if isinstance(reference, str) else None
            held = self._objects.get(reference) if match else None
            if not match or held is None:
                return None
            if "stream" in held:
                return Stream(int(match[1]), int(match[2]), held["stream"].get("dict", {}))
            reference = held.get("value")
        return None

    def read(self, stream: Stream) -> bytes | None:
        """A stream's data, decoded; as it is where its filters are not known; None if it cannot be read."""
        import pikepdf  # noqa: PLC0415  only in the cage

        try:
            found = self._pdf.get_object(stream.number, stream.generation)
            length = (
                int(stream.dictionary.get("/Length", 0)) if isinstance(stream.dictionary.get("/Length"), int) else 0
            )
            if length > _MOST_STREAM:
                return None
            try:
                return bytes(found.read_bytes())
            except pikepdf.PdfError:
                return bytes(found.read_raw_bytes())
        except (pikepdf.PdfError, RuntimeError, ValueError, TypeError):
            return None

    def dictionaries(self) -> Iterator[dict[str, Any]]:
        """Every dictionary of the file, those inside others too."""
        for held in self._objects.values():
            waiting = [(held["stream"].get("dict") if "stream" in held else held.get("value"), 0)]
            while waiting:
                value, depth = waiting.pop()
                if isinstance(value, dict):
                    yield value
                    inner: Iterable[Any] = value.values()
                elif isinstance(value, list):
                    inner = value
                else:
                    continue
                if depth < _DEEPEST:
                    waiting += [(one, depth + 1) for one in inner if isinstance(one, dict | list)]

    def text(self, value: Any) -> str:
        """A string's text, or that of a stream."""
        if isinstance(value, str):
            if value.startswith("u:"):
                return value[2:]
            if value.startswith("b:"):
                return _from_bytes(value[2:])
            stream = self.stream(value)
            if stream is not None:
                return decoded(self.read(stream) or b"")
            resolved = self.resolve(value)
            return self.text(resolved) if isinstance(resolved, str) and resolved != value else ""
        return ""


class _Bounded(io.BytesIO):
    def write(self, data: Any) -> int:
        if self.tell() > _MOST_JSON:
            raise OSError("its objects are more than are looked at")
        return super().write(data)


def _from_bytes(digits: str) -> str:
    try:
        return decoded(bytes.fromhex(digits))
    except ValueError:
        return ""


def decoded(data: bytes) -> str:
    """Text as PDF writes it: UTF-16 with its mark, else one byte a character."""
    if data[:2] == b"\xfe\xff":
        return data[2:].decode("utf-16-be", "replace")
    if data[:2] == b"\xff\xfe":
        return data[2:].decode("utf-16-le", "replace")
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8") if _is_utf8(data) else data.decode("cp1252", "replace")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def disguised_names(data: bytes) -> tuple[str, ...]:
    """Names of active parts, as written, whose ordinary letters are spelled as #xx (7.3.5 allows it for any byte)."""
    found = []
    for match in re.finditer(rb"/([A-Za-z0-9#]{2,80})", data[: 32 << 20]):
        raw = match[1]
        if b"#" not in raw:
            continue
        plain = re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), raw)
        if plain in _ACTIVE and plain != raw:
            found.append(raw.decode())
        if len(found) >= 20:
            break
    return tuple(dict.fromkeys(found))


_ACTIVE = frozenset(
    b"JavaScript JS Launch OpenAction AA EmbeddedFile EmbeddedFiles RichMedia XFA URI SubmitForm GoToR GoToE Action "
    b"ObjStm AcroForm Names Filespec Win".split()
)


def after_end(data: bytes) -> bytes:
    """What stands behind the last mark of the end."""
    end = data.rfind(b"%%EOF")
    return data[end + 5 :].strip(b"\r\n\t \0") if end >= 0 else b""
