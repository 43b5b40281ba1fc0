"""What acts of a program in Basic amount to. Names here are those of Windows and of office programs, no author's."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lazaretto.analysis.documents.addresses import over_the_internet
from lazaretto.analysis.documents.basic.machine import Act
from lazaretto.analysis.documents.basic.ordinary import PROGRAM_ENDINGS, ordinary
from lazaretto.analysis.documents.basic.values import Text, Value, origin_of, whole


class Kind(enum.Enum):
    OPENS = "opens an ordinary program of the machine"
    STARTS = "starts a program, or gives a command"
    FETCHES = "asks the network for something"
    SAVES = "writes a file"
    DROPS = "writes a file that is a program or a script"
    STAYS = "has something started again later"
    WEAKENS = "switches a protection of Office off"
    EVALUATES = "runs text as code"
    REWRITES = "writes macros into documents"
    MAILS = "sends mail"
    DELETES = "deletes many files"
    ASKS = "looks at the machine it runs on"


@dataclass(frozen=True)
class Deed:
    """`what` is the command, address or path, as far as it is known; `hidden`: it was put together so that it cannot be
    read in the code, or was kept elsewhere in the document."""

    kind: Kind
    what: str
    hidden: bool
    act: Act


_COMMAND = re.compile(
    r"\.(?:exe|com|bat|cmd|ps1|vbs|js|hta|msi|scr|lnk)\b|^\s*\"?(?:cmd|powershell|pwsh|wscript|cscript|mshta|rundll32|"
    r"regsvr32|certutil|bitsadmin|curl|msiexec|wmic|schtasks|explorer|sh|bash|python)\b|%\w+%",
    re.IGNORECASE,
)
_URL = re.compile(r"\b(?:https?|ftp)://[^\s\"'<>|)\]]{3,}|\\\\[\w.@-]+\\[^\s\"'|]+", re.IGNORECASE)
_WEB = re.compile(r"\b(?:https?|ftp)://", re.IGNORECASE)
_BRINGS = re.compile(
    r"\b(?:powershell|pwsh|mshta|certutil|bitsadmin|curl|wget|msiexec|regsvr32|wscript|cscript|ftp|python|wsl)\b",
    re.IGNORECASE,
)
_STARTERS = re.compile(
    r"(?:^|\.)shell$"
    r"|wscript\.shell(?:\.1)?\.(?:run|exec)$|f935dc22-1cf0-11d0-adb9-00c04fd58a0b.*\.(?:run|exec)$"
    r"|shell\.application.*\.(?:shellexecute|open|invokeverb)$|shellexecute$|systemshellexecute\.execute$"
    r"|win32_process.*\.create$|^winmgmts.*\.create$|swbemlocator.*\.create$"
    r"|!(?:createprocess\w*|winexec|shellexecute(?:ex)?[aw]?|system|_w?system|zwcreateprocess\w*|loadlibrary(?:ex)?[aw]?)$"
)
_UNSURE_STARTERS = re.compile(r"\?(?:\.\w+)*\.(?:run|exec|shellexecute|create)$")
_FETCHERS = re.compile(
    r"!(?:urldownloadto\w+|internetopenurl[aw]?|urlopen\w*|internetconnect[aw]?|winhttpconnect|winhttpopenrequest)$"
    r"|(?:xmlhttp|winhttprequest)[\w.]*\.open$|internetexplorer\.application[\w.]*\.navigate2?$"
    r"|^(?:application\.)?(?:workbooks|documents|presentations)[\w.]*\.(?:open|opentext|add)$|querytables\.add$"
)
_SAVERS = re.compile(
    r"adodb\.stream\.savetofile$|\?\.savetofile$|filesystemobject[\w.]*\.(?:createtextfile|copyfile|movefile)$"
    r"|\?\.(?:createtextfile|copyfile)$|^filecopy$|!(?:urldownloadtofile[aw]?|urldownloadtocachefile[aw]?|copyfile\w*)$"
    r"|^name statement$"
)
_REWRITERS = re.compile(
    r"(?:vbcomponents|codemodule|\bcodemodule|vbproject)[\w.]*\.(?:import|addfromstring|addfromfile|insertlines|"
    r"replaceline|createeventproc)$|\?\.(?:addfromstring|insertlines)$|organizercopy$"
)
_EVALUATORS = re.compile(
    r"scriptcontrol(?:\.1)?\.(?:eval|executestatement|addcode|run)$|htmlfile[\w.]*\.(?:eval|execscript|write)$"
    r"|(?:^|\.)executeexcel4macro$|^eval$|\?\.(?:executestatement|execscript|addcode)$"
)
_RUN_KEY = re.compile(
    r"\\currentversion\\(?:run|runonce|policies\\explorer\\run)\\|\\winlogon\\|\\environment\\userinit", re.IGNORECASE
)
_STARTUP = re.compile(r"\\start(?: menu\\programs\\|)up\\|\\startup\\|/autostart/", re.IGNORECASE)
_SECURITY_KEY = re.compile(r"\\office\\.{1,60}\\security\\|\\windows defender\\|\\policies\\system\\", re.IGNORECASE)
_MACHINE = re.compile(
    r"win32_(?:computersystem|bios|processor|diskdrive|baseboard|fan|temperature\w*|portconnector|videocontroller|"
    r"physicalmemory|product|quickfixengineering|process)\b|root\\securitycenter",
    re.IGNORECASE,
)
ASKING = re.compile(r"\.(?:recentfiles|tasks)\b|\.mouseavailable$|\.(?:horizontal|vertical)resolution$|\.usedobjects$")


def deeds(acts: Sequence[Act]) -> Iterator[Deed]:
    """All that these acts amount to, in their order."""
    for act in acts:
        yield from _of(act)


def _of(act: Act) -> Iterator[Deed]:
    texts = act.texts
    if _STARTERS.search(act.name) or (_UNSURE_STARTERS.search(act.name) and any(map(_like_command, texts[:2]))):
        yield from _started(" ".join(texts[:3]), act)
    if _fetches(act):
        yield _deed(Kind.FETCHES, next(filter(_URL.search, texts), Text("")), act)
    yield from _writing(act)
    if (
        act.name.endswith((".regwrite", "!regsetvalueexa", "!regsetvalueexw"))
        or act.name == "system.privateprofilestring="
    ):
        yield from _registry(act)
    if re.search(r"schedule\.service.*\.registertask", act.name):
        yield _deed(Kind.STAYS, "a scheduled task", act)
    if act.name.endswith("options.virusprotection="):
        yield _deed(Kind.WEAKENS, act.name, act)
    if _REWRITERS.search(act.name):
        yield _deed(Kind.REWRITES, act.name, act)
    if _EVALUATORS.search(act.name):
        yield from _evaluated(act)
    if act.name == "kill" and any("*" in text for text in texts):
        yield _deed(Kind.DELETES, texts[0], act)
    if re.search(r"createitem\.send$|outlook\.application[\w.]*\.send$", act.name):
        yield _deed(Kind.MAILS, act.name, act)
    if any(_MACHINE.search(text) for text in texts) and ("winmgmts" in act.name or act.name.endswith("execquery")):
        yield _deed(Kind.ASKS, texts[0], act)


def _started(command: str, act: Act) -> Iterator[Deed]:
    if ordinary(command) and not _hidden(Kind.STARTS, act):
        yield _deed(Kind.OPENS, command, act)
        return
    yield _deed(Kind.STARTS, command, act)
    if _reaches_out(command):
        yield _deed(Kind.FETCHES, command, act)
    if re.search(r"schtasks\b.*/create", command, re.IGNORECASE):
        yield _deed(Kind.STAYS, command, act)


def _reaches_out(command: str) -> bool:
    """Whether a command names an address outside; a share of the firm is where its files lie."""
    return any(_WEB.match(found) or over_the_internet(found) for found in _URL.findall(command))


def brings(command: str) -> bool:
    """Whether a command has a program of Windows bring what lies at an address outside, rather than show a page."""
    return _reaches_out(command) and _BRINGS.search(command) is not None


def _fetches(act: Act) -> bool:
    if not _FETCHERS.search(act.name):
        method = act.texts[0].upper() if act.texts else ""
        return act.name.endswith(".open") and method in {"GET", "POST", "PUT"} and len(act.texts) > 1
    if act.name.endswith((".open", ".opentext", ".add")) and "http" not in act.name:
        return any(_WEB.search(text) for text in act.texts)
    return True


def _like_command(text: Text) -> bool:
    return bool(_COMMAND.search(text)) or text.made


def _writing(act: Act) -> Iterator[Deed]:
    path: Text | None = None
    if act.name == "open statement" and len(act.texts) > 1 and act.texts[1] in {"output", "binary", "append", "random"}:
        path = act.texts[0]
    elif act.name == "open statement" and act.texts[:1] and act.texts[0] in {"output", "binary", "append"}:
        path = Text("")
    elif act.name.endswith("opentextfile") and len(act.arguments) > 1 and whole(act.arguments[1]) in {2, 8}:
        path = act.texts[0] if act.texts else Text("")
    elif _SAVERS.search(act.name):
        place = 1 if re.search(r"copy|move|name", act.name) else 0
        places = [text for text in act.texts if not _WEB.search(text)] if "download" in act.name else list(act.texts)
        path = places[min(place, len(places) - 1)] if places else Text("")
    if path is None:
        return
    yield _deed(Kind.SAVES, path, act)
    if path.rstrip(" \"'").rpartition(".")[2].lower() in PROGRAM_ENDINGS:
        yield _deed(Kind.DROPS, path, act)
    if _STARTUP.search(path):
        yield _deed(Kind.STAYS, path, act)


def _registry(act: Act) -> Iterator[Deed]:
    keys = " ".join(act.texts[:2])
    if _RUN_KEY.search(keys + "\\"):
        yield _deed(Kind.STAYS, keys, act)
    if _SECURITY_KEY.search(keys):
        yield _deed(Kind.WEAKENS, keys, act)


def _evaluated(act: Act) -> Iterator[Deed]:
    text = " ".join(act.texts[:2])
    if act.name.endswith("executeexcel4macro"):
        # Its ordinary use asks for a value of a closed workbook or a printer setting.
        if re.search(r"\b(?:exec|call|register)\s*\(", text, re.IGNORECASE):
            yield _deed(Kind.STARTS, text, act)
        return
    yield _deed(Kind.EVALUATES, text, act)


def _deed(kind: Kind, what: str, act: Act) -> Deed:
    return Deed(kind, str(what), _hidden(kind, act), act)


def _hidden(kind: Kind, act: Act) -> bool:
    """A command that lies in a cell is a setting, unless it runs without being asked."""
    values: Sequence[Value] = act.arguments
    if any(isinstance(value, Text) and value.made and len(value) > 3 for value in values):
        return True
    elsewhere = any(origin_of(value) == "document" for value in values)
    return kind is Kind.STARTS and elsewhere and bool(act.entry)


# --- memory ---------------------------------------------------------------------------------------------------------

_ALLOCATES = re.compile(
    r"^(?:virtualalloc\w*|ntallocatevirtualmemory|zwallocatevirtualmemory|heapcreate|virtualprotect\w*)$"
)
_COPIES = re.compile(r"^(?:rtlmovememory|rtlcopymemory|writeprocessmemory|ntwritevirtualmemory|zwwritevirtualmemory|"
                     r"uuidfromstringa|rtlipv4stringtoaddressa|rtlfillmemory)$")  # fmt: skip
_JUMPS = re.compile(
    r"^(?:createthread|createremotethread\w*|rtlcreateuserthread|ntcreatethreadex|queueuserapc|createthreadpoolwait|"
    r"enum\w{4,}|callwindowproc[aw]?|settimer|createfiber|switchtofiber|setthreadcontext|createtimerqueuetimer|"
    r"dispcallfunc|graystring[aw]?|certenum\w+|ldrpcallinitroutine)$"
)


def memory_code(declared: Sequence[str]) -> tuple[str, ...]:
    """Functions of Windows that together put code into memory and jump there; empty if they are not all declared."""
    found = []
    for pattern in (_ALLOCATES, _COPIES, _JUMPS):
        names = [name for name in declared if pattern.match(name.lower())]
        if not names:
            return ()
        found.append(names[0])
    return tuple(found)
