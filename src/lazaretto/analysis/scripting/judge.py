"""From what a script would do to findings. Each rule names what is done; none knows a name that an author could choose."""

# ruff: noqa: E501  a row of a table is one line

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lazaretto.analysis.engine import Finding
from lazaretto.analysis.scripting.acts import Act, Kind
from lazaretto.analysis.scripting.unfold import Folded
from lazaretto.analysis.scripting.values import DECODED, HOLE, Thing

_WINDOWS = frozenset({"javascript", "vbscript", "powershell", "batch"})
_LONG = 120.0  # seconds of waiting
_HARD = DECODED - {"characters"}
_MACHINE = re.compile(
    r"virtualbox|vbox|vmware|qemu|\bkvm\b|hyper-?v|sandbox|wireshark|procmon|sbiedll|cuckoo|bochs|xen\b", re.IGNORECASE
)
_BARE_ADDRESS = re.compile(r"^https?://(?:\d{1,3}\.){3}\d{1,3}|^https?://\[", re.IGNORECASE)
_HEX_NAMES = re.compile(rb"\b_0x[0-9a-f]{4,}\b")
_ESCAPES = re.compile(rb"\\x[0-9a-fA-F]{2}|\\u00[0-9a-fA-F]{2}")
_PROGRAM_HEADS = (b"MZ", b"\x7fELF", b"PK\x03\x04", b"\xcf\xfa\xed\xfe")
_CARRIED = (*_PROGRAM_HEADS, b"Rar!", b"7z\xbc\xaf", b"L\0\0\0\x01\x14\x02", b"MSCF", b"\xd0\xcf\x11\xe0")
_SIMPLE: dict[Kind, str] = {
    Kind.UNPROTECT: "script-switches-protection-off", Kind.FIREWALL: "script-opens-firewall",
    Kind.UNLOG: "script-removes-logs", Kind.DELETE_COPIES: "script-deletes-copies", Kind.DESTROY: "script-destroys",
    Kind.ACCOUNT: "script-creates-account", Kind.ADMIN: "script-makes-administrator",
    Kind.TAMPER: "script-tampers-interpreter",
}  # fmt: skip


def findings(layers: Sequence[Folded]) -> Iterator[Finding]:
    """What all layers of a script together say."""
    acts = [act for folded in layers for act in folded.acts]
    language = layers[0].language if layers else ""
    for act in acts:
        if act.kind in _SIMPLE:
            yield Finding(id=_SIMPLE[act.kind], detail=act.text)
    yield from _running(acts, language)
    yield from _decoding(layers, acts)
    yield from _network(acts)
    yield from _web(acts)
    yield from _offering(acts)
    yield from _staying(acts, language)
    yield from _secrets(acts)
    yield from _memory(acts)
    yield from _impact(acts)
    yield from _evasion(layers, acts)
    yield from _obfuscation(layers)


def _running(acts: list[Act], language: str) -> Iterator[Finding]:
    fetched = {_base(act.path): act for act in acts if act.kind is Kind.FETCH and len(_base(act.path)) > 1}
    streamed = any(act.kind is Kind.WRITE and "net" in act.origins for act in acts)
    written: dict[str, Act] = {}
    for act in acts:
        if act.kind is Kind.WRITE and len(_base(act.path)) > 1:
            written[_base(act.path)] = act
    for act in acts:
        if act.kind is Kind.EVALUATE and "net" in act.origins:
            covert = act.folded or act.hidden or act.depth or act.origins & _HARD or _any_covert(acts)
            yield Finding(
                id="script-runs-fetched-code-covertly" if covert else "script-runs-fetched-code", detail=act.text
            )
        if act.kind is Kind.RUN and act.text:
            if act.hidden:
                yield Finding(id="script-hides-window", detail=act.text)
            yield from _ran(act, acts, fetched, written, streamed, language)


def _ran(  # noqa: PLR0917
    act: Act, acts: list[Act], fetched: dict[str, Act], written: dict[str, Act], streamed: bool, language: str
) -> Iterator[Finding]:
    names = {_base(word) for word in re.findall(r"[^\s\"']+", act.text)} | {_base(act.path)}
    source = next((fetched[name] for name in names if name in fetched), None)
    if source is None and (streamed or any(one.kind is Kind.FETCH for one in acts)):
        source = next(
            (written[name] for name in names if name in written and written[name].origins & {"net", "stream"}), None
        )
    if source is not None:
        covert = (
            act.hidden
            or act.folded
            or act.depth
            or source.folded
            or _any_covert(acts)
            or (language in {"javascript", "vbscript"} and source.kind is Kind.WRITE)
        )
        yield Finding(
            id="script-starts-fetched-program-covertly" if covert else "script-starts-fetched-file",
            detail=f"{source.text} → {act.text}",
        )
        return
    dropped = next((written[name] for name in names if name in written), None)
    if dropped is not None and (dropped.origins & _HARD or _is_program(dropped)):
        yield Finding(id="script-starts-carried-program", detail=f"{dropped.text} → {act.text}")
    elif "net" in act.origins and language != "shell":
        yield Finding(id="script-runs-fetched-code-covertly", detail=act.text)


def _any_covert(acts: list[Act]) -> bool:
    return any(act.kind is Kind.RUN and act.hidden for act in acts) or any(
        act.kind is Kind.FETCH and (act.folded or _BARE_ADDRESS.match(act.text)) for act in acts
    )


def _is_program(act: Act) -> bool:
    return isinstance(act.value, bytes) and act.value.startswith(_PROGRAM_HEADS)


def _base(path: str) -> str:
    return re.split(r"[/\\]", path.strip("\"' ").replace(HOLE, "").replace("…", ""))[-1].lower()


def _decoding(layers: Sequence[Folded], acts: list[Act]) -> Iterator[Finding]:
    for folded in layers:
        if folded.layer is not None and folded.layer.how & DECODED and _worth(folded):
            yield Finding(
                id="script-runs-decoded-code",
                detail=f"{', '.join(sorted(folded.layer.how & DECODED))}: {_first(folded.source)}",
            )
            if folded.decoded >= 2:
                yield Finding(id="script-runs-nested-decoded-code", detail=f"{folded.decoded}: {_first(folded.source)}")
    for act in acts:
        if (
            act.kind is Kind.EVALUATE
            and isinstance(act.value, Thing)
            and "net" not in act.origins
            and "input" not in act.origins
        ) and ("marshal" in act.origins or (act.origins & _HARD and len(act.origins & DECODED) >= 1)):
            yield Finding(id="script-runs-decoded-code", detail=act.text)
        if act.kind is Kind.EVALUATE and isinstance(act.value, bytes) and act.value.startswith(b"MZ"):
            yield Finding(id="script-loads-carried-program", detail=act.text)


def _worth(folded: Folded) -> bool:
    """Whether a decoded layer is code of some length, or does something."""
    return len(folded.source) >= 12 or bool(folded.acts)


def _first(source: bytes) -> str:
    return source[:120].decode("utf-8", "replace").replace("\n", " ")


def _network(acts: list[Act]) -> Iterator[Finding]:
    halves = [act for act in acts if act.kind is Kind.SHELL and "half" in act.origins]
    for act in acts:
        if act.kind is Kind.SHELL and "half" not in act.origins:
            yield Finding(id="script-gives-shell-away", detail=act.text)
    connects = any(act.kind is Kind.CONNECT for act in acts)
    shells = [act for act in acts if act.kind is Kind.RUN and _is_interactive(act)]
    if halves and (shells or len(halves) >= 3):
        yield Finding(id="script-gives-shell-away", detail=(shells or halves)[0].text)
    elif connects and any(act.kind in {Kind.EVALUATE, Kind.RUN} and "net" in act.origins for act in acts):
        act = next(one for one in acts if one.kind in {Kind.EVALUATE, Kind.RUN} and "net" in one.origins)
        yield Finding(id="script-obeys-connection", detail=act.text)
    elif connects and shells and any(act.language == "php" for act in shells):
        yield Finding(id="script-obeys-connection", detail=shells[0].text)


def _is_interactive(act: Act) -> bool:
    words = act.text.split()
    return (
        bool(words)
        and len(words) <= 3
        and bool(
            re.search(
                r"(?:^|[/\\])(?:(?:ba|da|z|k)?sh|cmd(?:\.exe)?|powershell(?:\.exe)?)$", words[0].strip("\"'").lower()
            )
        )
        and all(word in {"-i", "-l", "-p", "/q", "-"} for word in words[1:])
    )


def _web(acts: list[Act]) -> Iterator[Finding]:
    for act in acts:
        if act.kind in {Kind.EVALUATE, Kind.RUN} and "input" in act.origins:
            whole = isinstance(act.value, Thing) or act.folded
            yield Finding(id="script-obeys-visitor" if whole else "script-runs-with-visitor-text", detail=act.text)
        if act.kind is Kind.WRITE and "input" in act.origins and act.path.startswith(HOLE) and act.value is not None:
            yield Finding(id="script-writes-visitor-file", detail=act.text)
        if (
            act.kind is Kind.WRITE
            and isinstance(act.value, str)
            and re.search(
                r"(?:eval|assert|system|exec|passthru|shell_exec)\s*\(\s*@?(?:base64_decode\s*\(\s*)?\$_(?:GET|POST|REQUEST|COOKIE)",
                act.value,
            )
        ):
            yield Finding(id="script-writes-web-shell", detail=act.text)


def _offering(acts: list[Act]) -> Iterator[Finding]:
    for act in acts:
        if act.kind is Kind.OFFER and isinstance(act.value, bytes):
            if act.value.startswith(_CARRIED) or act.value[0x8001:0x8006] == b"CD001":
                yield Finding(id="script-offers-carried-program", detail=f"{act.text} {len(act.value)} bytes")
            elif act.origins & DECODED and len(act.value) > 1024:
                yield Finding(id="script-offers-carried-file", detail=f"{act.text} {len(act.value)} bytes")


def _staying(acts: list[Act], language: str) -> Iterator[Finding]:
    for act in acts:
        if act.kind is Kind.PERSIST and act.text:
            unix = language in {"shell", "python", "php"} and "\\" not in act.text
            yield Finding(id="script-starts-itself-again" if not unix else "script-adds-start-entry", detail=act.text)
        if act.kind is Kind.WRITE and "authorized_keys" in act.path:
            yield Finding(id="script-adds-login-key", detail=act.text)


def _secrets(acts: list[Act]) -> Iterator[Finding]:
    read = [act for act in acts if act.kind is Kind.READ]
    sent = [act for act in acts if act.kind is Kind.SEND]
    places = {_base(act.path) for act in read}
    for act in read:
        yield Finding(id="script-reads-secrets", detail=act.path)
    if len(places) >= 4:
        yield Finding(id="script-gathers-secrets", detail=", ".join(sorted(places)[:8]))
    if read and sent:
        yield Finding(id="script-sends-secrets", detail=f"{read[0].path} → {sent[0].text}")
    for act in sent:
        if "environment" in act.origins:
            yield Finding(id="script-sends-environment", detail=act.text)


def _memory(acts: list[Act]) -> Iterator[Finding]:
    used = {act.text.split("(")[0].rpartition(".")[2].lower() for act in acts if act.kind is Kind.INJECT}
    if len(used) >= 2:
        yield Finding(id="script-runs-code-from-memory", detail=", ".join(sorted(used)))


def _impact(acts: list[Act]) -> Iterator[Finding]:
    kinds = {act.kind for act in acts}
    if Kind.ENCRYPT in kinds and Kind.ENUMERATE in kinds and kinds & {Kind.DELETE, Kind.WRITE}:
        act = next(one for one in acts if one.kind is Kind.ENCRYPT)
        yield Finding(id="script-encrypts-files", detail=act.text)


def _evasion(layers: Sequence[Folded], acts: list[Act]) -> Iterator[Finding]:
    for act in acts:
        if act.kind is Kind.WAIT and act.seconds >= _LONG:
            yield Finding(id="script-waits-long", detail=act.text)
        if act.kind is Kind.CHECK:
            yield Finding(id="script-asks-about-machine", detail=act.text)
        if act.kind is Kind.DELETE and re.search(
            r"sample\.(?:vbs|bat|js|ps1)$|__file__|\$0$|scriptfullname", act.path or act.text
        ):
            yield Finding(id="script-deletes-itself", detail=act.text)
    if any(act.kind is Kind.CHECK for act in acts):
        named = {
            word.lower()
            for folded in layers
            for word in _MACHINE.findall(folded.source[: 1 << 18].decode("utf-8", "replace"))
        }
        if len(named) >= 2:
            yield Finding(id="script-looks-for-analysis", detail=", ".join(sorted(named)[:10]))


def _obfuscation(layers: Sequence[Folded]) -> Iterator[Finding]:
    hidden = [made.name for folded in layers for made in folded.calls if made.hidden]
    acting = [
        act
        for folded in layers
        for act in folded.acts
        if act.folded and act.kind in {Kind.RUN, Kind.EVALUATE, Kind.FETCH} and folded.language != "batch"
    ]
    if acting:
        yield Finding(id="script-hides-what-it-calls", detail=acting[0].text)
    elif len(set(hidden)) >= 8:
        yield Finding(id="script-hides-names", detail=", ".join(sorted(set(hidden))[:8]))
    for folded in layers[:1]:
        source = folded.source
        escapes = sum(len(found) for found in _ESCAPES.findall(source[: 1 << 20]))
        if len(set(_HEX_NAMES.findall(source[: 1 << 20]))) >= 12:
            yield Finding(id="script-meaningless-names", detail="_0x…")
        if len(source) > 200 and escapes > 0.3 * min(len(source), 1 << 20):
            yield Finding(id="script-escaped-source", detail=f"{escapes * 100 // len(source)} %")
        elif folded.share > 0.25 and len(source) > 200:
            yield Finding(id="script-mostly-encoded", detail=f"{folded.share:.0%}")


__all__ = ["findings"]
