"""A report with everything in it, of an analysis that never was: for the page, the schema's example and the tests.

An archive with a script in it that names itself a document, an encrypted archive and a harmless text. The account of
the script's run is played; what it means is found by the catalogue's real rules.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from lazaretto.analysis.assemble import assemble
from lazaretto.analysis.behaviours import Catalogue, default_folder, load
from lazaretto.analysis.engine import Fact, Indicator
from lazaretto.analysis.findings import Meaning, Meanings
from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.material import material_of, write_material
from lazaretto.analysis.names import evidence_of_name
from lazaretto.analysis.report import Report, write_report
from lazaretto.analysis.runs import Ran
from lazaretto.analysis.tree import Looked, Node
from lazaretto.domain import trace as t
from lazaretto.domain.detonation import Artifact, Detonation, Guest
from lazaretto.domain.evidence import Evidence, Family, Weight
from lazaretto.domain.sample import hash_bytes
from lazaretto.sandbox.picture import png_of_bgrx

WHEN = "2026-01-02T03:04:05Z"
PROGRAM = b"MZ the program"
SCRIPT = b"var shell = new ActiveXObject('WScript.Shell');\n"

# What a sample may put wherever it chooses a text: markup for every place a page has, and characters that mislead.
HOSTILE = (
    "<script>document.title='taken'</script>",
    '"><img src=x onerror="document.title=\'taken\'">',
    "' onmouseover='document.title=1' x='",
    "</style></title></textarea><svg onload=document.title='taken'>",
    "javascript:document.title='taken'",
    "{{ 7 * 7 }}{% raw %}",
    "-->]]><!--",
    "photo\u202egpj.exe\u200b\x1b[31m\x07",
)

MEANINGS = Meanings(
    (
        Meaning(
            id="script-hidden-command",
            title="The script puts a command together from pieces",
            explanation="The command that it starts cannot be read in the file; it is made when the script runs.",
            benign_cause="Some makers protect their scripts from being copied that way.",
            malicious_cause="Filters that read the file do not see what it will do.",
            weight=Weight.MODERATE,
            family=Family.CONCEALMENT,
            techniques=("T1027.010",),
        ),
        Meaning(
            id="archive-encrypted",
            title="The archive has files that a password closes",
            explanation="What is in them cannot be seen without the password.",
            benign_cause="People protect what they send.",
            malicious_cause="The password stands in the mail, so that the reader can open it and no filter can.",
            weight=Weight.WEAK,
            family=Family.CONCEALMENT,
            techniques=("T1027.013",),
        ),
    ),
    "0" * 16,
)

# A rule of the user's own: its meaning comes with it, the catalogue does not know it.
OWN_RULE = Meaning(
    id="own-rule-orders",
    title="A rule of this company matched: orders",
    explanation="The file has the words that our order forms have.",
    benign_cause="It is one of our order forms.",
    malicious_cause="Somebody imitates our order forms.",
    weight=Weight.INFORMATIONAL,
    family=Family.IDENTITY,
)


def example(folder: Path, *, hostile: bool = False, catalogue: Catalogue | None = None) -> Report:
    """Writes the report's folder as an analysis does; the report. `hostile`: every text is one that attacks a page."""
    texts = HOSTILE if hostile else ("",)
    tree, script = _tree(texts)
    trace = _trace(texts)
    out = f"inside/{script.sample.hashes.sha256}"
    artifacts = _artifacts(folder / out, texts)
    folder.joinpath(out, "trace.jsonl").write_bytes(b"".join(line + b"\n" for line in t.trace_to_lines(trace)))
    run = Detonation(
        trace=trace,
        guest=Guest(profile="windows", image="5f0c" * 16),
        engine_version="0.1.0",
        artifacts=artifacts,
        stages={"restore": 0.31, "run": 2.4},
    )
    ran = (Ran(path=script.path, name=script.path[-1], kind=script.kind, out=out, detonation=run),)
    name = f"Rechnung{texts[0].replace('/', '_')}.zip"
    file = f"/home/anna/Downloads/{name}"
    made = assemble(file, tree, ran, catalogue or load(default_folder()), MEANINGS)
    report = msgspec.structs.replace(made, when=WHEN, duration_s=4.2, stages={"read": 0.01, "examine": 0.4})
    write_material(material_of(file, tree, ran, MEANINGS, not_run=()), folder)
    write_report(report, folder)
    return report


def _tree(texts: tuple[str, ...]) -> tuple[Node, Node]:
    looked = (
        Looked(engine="zip", version="1", seconds=0.012),
        Looked(engine="yara", version="1", seconds=0.2, failed="did not come to its end in time", detail=texts[0]),
    )
    name = f"Rechnung_2026{texts[-1]}.pdf.js"
    kind = TYPES["jscript"]
    script = Node(
        path=(name,),
        relation="member",
        sample=hash_bytes(SCRIPT),
        kind=kind,
        looked=(Looked(engine="scripts", version="1", seconds=0.05),),
        evidence=(
            *evidence_of_name(name, kind),
            _of(MEANINGS.by_id["script-hidden-command"], name, texts),
            _of(OWN_RULE, name, texts),
        ),
        facts=(Fact(name="language", value="JScript"), Fact(name="hosts", value=("a.example", *texts))),
        indicators=(
            Indicator(kind="url", value=f"http://files.download-center.test/b/update.exe{texts[0]}"),
            *(Indicator(kind="mutex", value=text) for text in texts if text),
        ),
        children=(Node(path=(name, "layer 1"), relation="decoded", sample=hash_bytes(b"GET"), kind=TYPES["text"]),),
    )
    closed = Node(
        path=(f"Anlagen{texts[0]}.7z",), relation="member", sample=hash_bytes(b""), kind=TYPES["data"],
        closed="encrypted, and none of the known passwords opens it",
    )  # fmt: skip
    text = Node(
        path=("Bitte lesen.txt",), relation="member", sample=hash_bytes(b"Bitte"), kind=TYPES["text"],
        password="infected",  # noqa: S106  a sample's
    )  # fmt: skip
    again = Node(
        path=("Kopie von Bitte lesen.txt",), relation="member", sample=hash_bytes(b"Bitte"), kind=TYPES["text"],
        same_as=("Bitte lesen.txt",),
    )  # fmt: skip
    root = Node(
        sample=hash_bytes(b"PK\x03\x04 an archive"),
        kind=TYPES["zip"],
        looked=looked,
        evidence=(_of(MEANINGS.by_id["archive-encrypted"], "", texts),),
        facts=(Fact(name="members", value=4), Fact(name="comment", value=texts[0] or "none")),
        indicators=(Indicator(kind="password", value="infected"),),
        not_done=("the file Anlagen.7z stayed closed",),
        children=(script, closed, text, again),
    )
    return root, script


def _of(meaning: Meaning, where: str, texts: tuple[str, ...]) -> Evidence:
    fields = msgspec.structs.asdict(meaning)
    return Evidence(**fields, source="scripts", where=where, details=tuple(text for text in texts if text) or ("eval",))


def _trace(texts: tuple[str, ...]) -> t.Trace:
    """wscript fetches a program, keeps it, makes it start again, and changes the decoys."""
    evil = texts[0]
    home = "C:\\Users\\anna"
    dropped = f"{home}\\AppData\\Roaming\\update{evil}.exe"
    script = f'wscript.exe "{home}\\Downloads\\Rechnung_2026.pdf.js" {" ".join(texts)}'.strip()
    shell = f'cmd.exe /c start "" "{dropped}"'
    processes = (
        t.Process(key=1, pid=2044, image="C:\\Windows\\System32\\wscript.exe", command_line=script, user="anna",
                  cause=t.Cause.SAMPLE, exit_code=0, exited=1),
        t.Process(key=2, pid=2310, parent=1, image="C:\\Windows\\System32\\cmd.exe", command_line=shell, started=1),
        t.Process(key=3, pid=2316, parent=2, image=dropped, command_line=f'"{dropped}"', started=2, exit_code=3),
    )  # fmt: skip
    key = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"
    events: tuple[t.AnyEvent, ...] = (
        t.ProcessStart(process=1, image=processes[0].image, command_line=script, cause=t.Cause.SAMPLE),
        t.FileRead(process=1, path="C:\\Windows\\System32\\jscript.dll"),
        t.RegistryQuery(process=1, key="HKLM\\Software\\Microsoft\\Windows Script Host\\Settings", name="Enabled"),
        t.NetDns(process=1, name="files.download-center.test", answers=("198.51.100.7",)),
        t.NetDns(process=1, name="www.microsoft.com", answers=("198.51.100.8",)),
        t.NetConnect(process=1, protocol="tcp", address="198.51.100.7", port=80, host="files.download-center.test"),
        t.NetHttp(process=1, method="GET", url=f"http://files.download-center.test/b/update.exe{evil}", status=200,
                  served="program"),
        t.FileWrite(process=1, path=dropped, size=48_128, head=b"MZ", sha256=hash_bytes(PROGRAM).hashes.sha256),
        t.ProcessStart(process=2, parent=1, image=processes[1].image, command_line=shell),
        t.ProcessStart(process=3, parent=2, image=dropped, command_line=f'"{dropped}"'),
        t.Recorder(process=3, url="http://files.download-center.test/b/update.exe", path=dropped),
        t.RegistrySet(process=3, key=key, name=f"Updater{evil}", type="REG_SZ", data=dropped),
        t.Autostart(process=3, mechanism="run-key", location=f"{key}\\Updater", command=dropped),
        t.StandIn(process=3, program="vssadmin", command_line="vssadmin delete shadows /all /quiet",
                  action="delete-shadow-copies"),
        *(t.CanaryTouched(process=3, canary="document", path=f"{home}\\Documents\\{name}", action="write")
          for name in ("Budget.xlsx", "Vertrag.docx", "Urlaub.jpg", "Steuer.pdf")),
        *(t.FileWrite(process=3, path=f"{home}\\Documents\\{name}.locked", size=9_000)
          for name in ("Budget.xlsx", "Vertrag.docx", "Urlaub.jpg", "Steuer.pdf")),
        *(t.Window(process=3, title=text, text="Your files", dialog=True) for text in texts if text),
        t.NetData(process=3, protocol="tcp", address="203.0.113.9", port=4444, sent=812, received=40),
        t.ProcessExit(process=3, code=3, image=dropped),
    )  # fmt: skip
    numbered = tuple(
        msgspec.structs.replace(event, id=number, time=number * 120_000_000) for number, event in enumerate(events)
    )
    return t.Trace(
        profile="windows",
        ending=t.Ending.EXITED,
        guest_time=31.5,
        wall_time=2.4,
        processes={process.key: process for process in processes},
        events=numbered,
    )


def _artifacts(folder: Path, texts: tuple[str, ...]) -> tuple[Artifact, ...]:
    """A dropped file and two screens, written."""
    folder.joinpath("dropped").mkdir(parents=True, exist_ok=True)
    folder.joinpath("screenshots").mkdir(exist_ok=True)
    folder.joinpath("dropped/0.bin").write_bytes(PROGRAM)
    made = [
        Artifact(
            kind="dropped", name=f"C:\\Users\\anna\\AppData\\Roaming\\update{texts[0]}.exe",
            sha256=hash_bytes(PROGRAM).hashes.sha256, size=len(PROGRAM), path="dropped/0.bin",
        )
    ]  # fmt: skip
    for number, colour in enumerate((b"\x8f\x6a\x3b\0", b"\x2b\x2b\x9c\0")):
        width, height = 320, 200
        picture = png_of_bgrx(colour * (width * height), width, height)
        path = f"screenshots/{number:02d}.png"
        folder.joinpath(path).write_bytes(picture)
        digest = hash_bytes(picture).hashes.sha256
        made.append(Artifact(kind="screenshot", name=texts[-1], sha256=digest, size=len(picture), path=path))
    return tuple(made)
