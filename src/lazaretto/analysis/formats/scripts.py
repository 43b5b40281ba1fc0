"""Text: which language it is written in, by what it says, not by what it is called.

Each language has marks with a weight. The heaviest language wins, if it is heavy enough; the extension of the name only
breaks ties, and decides where a text has no marks of any language at all. Only the first 64 KiB are read.
"""

from __future__ import annotations

import re

from lazaretto.analysis.formats.settings import by_root, root_element, setting
from lazaretto.analysis.formats.types import KNOWN_EXTENSIONS, FileType, of

_READ = 1 << 16
_ENOUGH = 3  # for the language that the name claims
_CLEARLY = 5  # for another one, or without a claim
_BEYOND_DOUBT = 8  # for a text that claims to be prose or data, which quotes code

_INTERPRETERS: tuple[tuple[str, str], ...] = (
    ("bash", "bash"),
    ("zsh", "bash"),
    ("ksh", "bash"),
    ("dash", "shell"),
    ("busybox", "shell"),
    ("sh", "shell"),
    ("ash", "shell"),
    ("python", "python"),
    ("perl", "perl"),
    ("node", "node"),
    ("nodejs", "node"),
    ("php", "php"),
    ("ruby", "ruby"),
    ("pwsh", "powershell"),
    ("lua", "lua"),
    ("luajit", "lua"),
    ("tclsh", "tcl"),
    ("wish", "tcl"),
    ("expect", "tcl"),
)

_BY_EXTENSION: dict[str, str] = {
    "js": "javascript", "jse": "javascript", "mjs": "node", "cjs": "node", "vbs": "vbscript", "vbe": "vbscript",
    "wsf": "wsf", "sct": "scriptlet", "bat": "batch", "cmd": "batch", "ps1": "powershell", "psm1": "powershell",
    "hta": "hta", "sh": "shell", "bash": "bash", "py": "python", "pyw": "python", "pl": "perl", "pm": "perl",
    "php": "php", "phtml": "php", "rb": "ruby", "reg": "reg", "html": "html", "htm": "html", "xhtml": "html",
    "svg": "svg", "url": "url", "eml": "eml", "xml": "xml", "json": "json", "au3": "autoit",
    "lua": "lua", "tcl": "tcl", "tk": "tcl", "ahk": "autohotkey", "bas": "vba", "asp": "server-page",
    "aspx": "server-page", "jsp": "server-page", "ashx": "server-page", "asmx": "server-page",
}  # fmt: skip


def _marks(*rows: tuple[int, str]) -> tuple[tuple[int, re.Pattern[str]], ...]:
    """Patterns for a text in lower case, which is looked through faster than one of which the case is ignored."""
    return tuple((weight, re.compile(pattern.lower(), re.MULTILINE)) for weight, pattern in rows)


_VERB = r"(?:get|set|new|invoke|start|add|remove|write|out|convertto|convertfrom|select|where|foreach|copy|expand)"
_MARKUP = {"html", "hta", "svg", "xml", "wsf", "scriptlet", "php"}
# Nothing runs these, and they quote code all the time.
_QUOTING = {"md", "markdown", "rst"}
_HTML = {
    "html",
    "head",
    "body",
    "script",
    "iframe",
    "meta",
    "div",
    "table",
    "title",
    "center",
    "p",
    "a",
    "style",
    "link",
}

_LANGUAGES: dict[str, tuple[tuple[int, re.Pattern[str]], ...]] = {
    "vbscript": _marks(
        (3, r"^\s*(?:public |private )?(?:sub|function) \w+[ \t]*(?:\([^)\n]{0,200}\))?[ \t]*(?:'|$)"),
        (2, r"^\s*dim\s+\w+"),
        (3, r"^\s*set\s+\w+\s*=\s*(?:\w+\.)?(?:createobject|getobject)\b"),
        (2, r"\bcreateobject\s*\("),
        (2, r"^\s*(?:option explicit|on error resume next)\b"),
        (2, r"^\s*end (?:sub|function|if|with|select)\b"),
        (2, r"\bwscript\.(?:echo|quit|sleep)\b(?!\s*\()"),
        (1, r"\bmsgbox\b"),
        (1, r"\bchrw?\(\d+\)\s*&"),
        (2, r"^\s*execute(?:global)?\b"),
    ),
    "javascript": _marks(
        (3, r"\bnew activexobject\s*\("),
        (2, r"\bfunction\s*\w*\s*\([^)\n]{0,200}\)\s*\{"),
        (2, r"^\s*(?:var|let|const)\s+[\w${\[]"),
        (2, r"\bwscript\.\w+\s*\("),
        (2, r"\beval\s*\("),
        (3, r"\brequire\s*\(\s*['\"]"),
        (2, r"\bmodule\.exports\b|^\s*export (?:default|const|function)\b"),
        (3, r"^\s*import\s[^;\n]{1,200}\sfrom\s+['\"]"),
        (2, r"\bconsole\.log\s*\("),
        (2, r"=>\s*\{"),
        (2, r"\bstring\.fromcharcode\b"),
        (1, r"\)\s*;\s*$"),
        (1, r"===|!=="),
    ),
    "batch": _marks(
        (3, r"^\s*@echo off\b"),
        (2, r"^\s*(?:set|setlocal|endlocal|rem|goto|call|pause|start)\b(?!\s*=)[^;{}]*$"),
        (2, r"%(?:~[\w$:]*\d|\w+%)"),
        (2, r"^\s*:\w+\s*$"),
        (2, r"\bif (?:not )?(?:exist|defined|errorlevel)\b"),
        (2, r"^\s*for /[fldr]\b|\bdo \("),
        (1, r"^\s*(?:copy|move|del|xcopy|reg|net|taskkill|cmd)(?:\.exe)?\s[^;]*$"),
        (1, r">\s*nul\b"),
        (
            5,
            r"^\s*[@(]*(?:(?:start|call)\s[^\n]{0,100}?|\S{0,60}\bcmd\S*\s+/c\s+)?\"?(?:[\w%:\\.~-]*\\)?(?:powershell|pwsh)(?:\.exe)?\"?\s+[-/]\w",
        ),
    ),
    "powershell": _marks(
        (3, r"^\s*param\s*\(|^\s*\[cmdletbinding"),
        (3, rf"(?<![\w.-]){_VERB}-[a-z]{{3,}}(?: |$|\))(?![^\n]*(?:==|>=))"),
        (1, rf"(?<![\w.-]){_VERB}-[A-Z][a-z]{{2,}}[A-Z]?[a-z]*\b"),
        (2, r"\$(?:env:|_\b|null\b|true\b|false\b|psscriptroot\b|error\w*\b)"),
        (2, r"\[(?:system\.|convert\]|io\.|text\.|reflection\.|net\.|byte\[\]\]|char\]|string\]|int\])"),
        (2, r"^\s*\$\w+\s*=\s"),
        (2, r"\s-(?:eq|ne|like|match|join|split|replace|bxor)\s"),
        (1, r"^\s*function\s+[\w-]+\s*\{"),
        (1, r"\b(?:iex|iwr)\b"),
    ),
    "python": _marks(
        (3, r"^\s*(?:def|class)\s+\w+\s*(?:\([^)\n]{0,300}\))?\s*(?:->[^:\n]{1,80})?:\s*$"),
        (2, r"^import\s+[\w.]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+)*\s*$"),
        (3, r"^from\s+[\w.]+\s+import\s"),
        (2, r"^if __name__\s*==\s*['\"]__main__['\"]\s*:"),
        (2, r"^\s*(?:if|for|while|with|try|except|elif|else)\b[^{;\n]{0,200}:\s*$"),
        (1, r"\bprint\s*\("),
        (1, r"\b(?:exec|eval)\s*\((?:compile|base64|zlib|__import__|bytes)"),
    ),
    "perl": _marks(
        (3, r"^\s*use (?:strict|warnings|\w+::\w+)\b"),
        (2, r"^\s*(?:my|our|local)\s+[$@%(]"),
        (2, r"^\s*sub\s+\w+\s*\{"),
        (1, r"=~\s*[ms/]"),
        (1, r"\$\w+->"),
    ),
    "php": _marks((5, r"<\?php\b"), (3, r"<\?=\s")),
    "ruby": _marks(
        (2, r"^\s*require(?:_relative)?\s+['\"]"),
        (2, r"^\s*def\s+[\w.?!]+[^:\n]*$"),
        (2, r"^\s*end\s*$"),
        (1, r"\bputs\s"),
        (1, r"\bdo\s*\|\w+"),
    ),
    "lua": _marks(
        (3, r"^\s*local\s+function\s+\w+\s*\("),
        (2, r"^\s*local\s+[\w, ]+="),
        (2, r"^\s*function\s+[\w.:]+\s*\([^)\n]{0,200}\)\s*$"),
        (1, r"^\s*end[,)]?\s*$"),
        (1, r"\bthen\s*$|\belseif\b"),
        (2, r"\b(?:io|os|string|table)\.(?:open|execute|getenv|format|insert|popen)\s*\("),
        (1, r"~=|\.\."),
    ),
    "tcl": _marks(
        (3, r"^\s*proc\s+[\w:]+\s+\{"),
        (2, r"^\s*package (?:require|provide|ifneeded)\s"),
        (2, r"^\s*namespace eval\s"),
        (2, r"^\s*(?:if|while|foreach|for)\s+\{.{0,200}\{\s*$"),
        (2, r"^\s*set\s+[\w:]+\s+(?:\[|\{|\"|\$|\w)[^=]*$"),
        (1, r"\[(?:info|lindex|string|expr|list|file|dict)\s"),
        (2, r"::msgcat::"),
    ),
    "autohotkey": _marks(
        (3, r"^\s*#(?:NoEnv|SingleInstance|Persistent|NoTrayIcon|Requires AutoHotkey)\b"),
        (3, r"^[#!^+<>*~$]*\w+(?: & \w+)?::\s*(?:$|\w)"),
        (2, r"^\s*(?:Run|RunWait|MsgBox|Send|SendInput|SetTimer|IfWinActive)\s*,"),
        (1, r":="),
    ),
    "autoit": _marks(
        (3, r"^\s*#(?:include\s*<|NoTrayIcon|AutoIt3Wrapper|RequireAdmin)"),
        (3, r"^\s*(?:local|global|dim)\s+(?:const\s+)?\$\w+"),
        (2, r"^\s*(?:EndFunc|EndIf|WEnd|EndSwitch|ExitLoop)\b"),
        (2, r"\b(?:ShellExecute|FileInstall|InetGet|DllCall|RegWrite)\s*\("),
        (1, r"@(?:TempDir|ScriptDir|AppDataDir|Compiled|error)\b"),
    ),
    "server-page": _marks(
        (5, r"<%@\s*(?:page|webhandler|webservice|control|master|language|import)\b"),
        (4, r"<script[^>]{0,200}\brunat\s*=\s*[\"']?server"),
        (4, r"<%.{0,2000}?\b(?:request|response|server|runtime|session|eval)\b.{0,2000}?%>"),
    ),
    "shell": _marks(
        (2, r"^\s*(?:if|while|until)\s+(?:!\s*)?\[{1,2}\s"),
        (2, r"^\s*(?:fi|done|esac)\s*(?:[;&|<>#].*)?$"),
        (2, r";\s*(?:then|do)\b"),
        (1, r"^\s*(?:export\s+)?[A-Z_][A-Z0-9_]*=[^=\s]"),
        (1, r"\$\((?!\))|\$\{\w+|\"\$@\""),
        (1, r"^\s*(?:cd|chmod|chown|cp|mkdir|rm|mv|wget|curl|cat|echo|apt-get|exit)\s"),
        (1, r">\s*/dev/null|\b/tmp/|\b/etc/"),
    ),
}

_JSCRIPT = re.compile(
    r"\bactivexobject\b|\bwscript\b|\bscripting\.filesystemobject\b|\bnew enumerator\b", re.IGNORECASE
)
_NODE = re.compile(
    r"\brequire\s*\(\s*['\"]|\bmodule\.exports\b|\bprocess\.(?:env|argv|exit|platform|cwd|std\w+|on)\b"
    r"|^\s*import\s[^;\n]{1,200}\sfrom\s+['\"]|^\s*export\s|\b__dirname\b|\bglobalthis\b",
    re.MULTILINE | re.IGNORECASE,
)
# JScript stops at these with a syntax error, so a script that has them was not written for it.
_MODERN = re.compile(r"=>|^\s*(?:const|let)\s+[\w${\[]|^\s*class\s+\w+|\basync\s+function\b|`[^`\n]*\$\{", re.MULTILINE)
_JSON = re.compile(
    r"\s*(?:\{\s*(?:\}\s*\Z|\"(?:[^\"\\\n]|\\.){0,500}\"\s*:)|\[\s*(?:\]\s*\Z|\{\s*\"|\[|\"(?:[^\"\\\n]|\\.){0,500}\"\s*[,\]]|-?\d[\d.eE+-]*\s*[,\]]))"
)
_HEADER = re.compile(r"^[A-Za-z][A-Za-z0-9-]{1,60}:[ \t]?", re.MULTILINE)
_PAYLOAD = re.compile(r"[\w+/=]{256,}")  # no language has such words: something that a script carries
# What follows is code of that language, in whatever language the line is.
_INLINE = re.compile(r"(\b(?:powershell|pwsh)(?:\.exe)?[\"']?\s+[-/]\w)[^\n]*")
_MAIL_HEADERS = {
    "received",
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "return-path",
    "delivered-to",
}


def text_type(data: bytes, extension: str) -> FileType | None:
    """The type of a text, or None if it is none. `extension` is lower case without the dot."""
    text = _decode(data[:_READ])
    if text is None:
        return None
    text = text.lstrip("\ufeff")
    return _by_shebang(text) or setting(text) or _by_header(text, extension) or _by_marks(text, extension)


def _decode(head: bytes) -> str | None:
    """The text, or None where there are characters that no text has."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return head.decode("utf-16", "replace")
    odd, even = head[1:200:2], head[0:200:2]
    if len(head) > 16 and odd.count(0) > 0.9 * len(odd) and even.count(0) * 4 < len(even):
        return head.decode("utf-16-le", "replace")
    controls = sum(head.count(bytes([c])) for c in range(32) if c not in {7, 8, 9, 10, 12, 13, 27})
    if controls * 200 > len(head):
        return None
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 4:
            return head[: error.start].decode("utf-8")
    # Of bytes that are no text, hardly 64 follow each other without a control character.
    return head.decode("latin-1") if controls == 0 and (len(head) > 64 or _mostly_ascii(head)) else None


def _mostly_ascii(head: bytes) -> bool:
    return sum(byte < 128 for byte in head[:4096]) * 4 > len(head[:4096]) * 3


def _by_shebang(text: str) -> FileType | None:
    if not text.startswith("#!"):
        return None
    words = text[2:].split("\n", 1)[0][:200].split()
    programs = [word.rpartition("/")[2] for word in words]
    if programs and programs[0] == "env":
        programs = [word for word in programs[1:] if not word.startswith("-") and "=" not in word]
    if not programs:
        return of("script-other")
    for start, kind in _INTERPRETERS:
        if re.fullmatch(rf"{start}[\d.]*", programs[0]):
            return of(kind, "shebang")
    return of("script-other", "shebang")


def _by_header(text: str, extension: str) -> FileType | None:
    """Texts that say at their beginning what they are."""
    start = text[:4096].lstrip().lower()
    if start.startswith(("windows registry editor version", "regedit4")):
        return of("reg")
    if "[internetshortcut]" in start[:1024]:
        return of("url")
    if start.startswith("begin ") and re.match(r"begin [0-7]{3} ", start):
        return of("uue")
    if "#@~^" in start[:1024]:
        return of("script-encoded")
    return _markup(text, start, extension) or _mail(text, start)


def _markup(text: str, start: str, extension: str) -> FileType | None:  # noqa: PLR0911 (one return a format reads best)
    early = any(tag in start[:512] for tag in ("<html", "<script", "<!doctype html"))
    if (
        not start.startswith("<")
        and _BY_EXTENSION.get(extension, "" if extension or not early else "html") not in _MARKUP
    ):
        return None
    whole = text.lower()
    if "<hta:application" in whole or (extension == "hta" and "<script" in whole):
        return of("hta")
    if "<scriptlet" in start and "<script" in whole:
        return of("scriptlet")
    if re.search(r"<(?:job|package)\b", start) and "<script" in whole:
        return of("wsf")
    if "<component" in start and "<script" in whole:
        return of("wsf")
    if "<?php" in whole or "<?=" in start:
        return of("php")
    if "<?mso-application" in start or "schemas-microsoft-com:office:word" in start:
        return of("docx", "flat-xml")
    if "<%@" in start[:1024] and "%>" in whole:
        return of("server-page")
    root = root_element(start)
    if (known := by_root(root, whole)) is not None:
        return known
    if start.startswith("<?xml") and root not in _HTML and "<!doctype html" not in start:
        return of("xml")
    if re.search(r"<!doctype html|<(?:html|head|body|script|iframe|meta|div|table|title)\b", start):
        return of("html", *(("script",) if "<script" in whole else ()))
    return of("xml") if start.startswith("<?xml") else None


def _mail(text: str, start: str) -> FileType | None:
    """A message begins with at least three header lines, one of them a mail's."""
    if start.startswith("from ") and "\nreceived:" in start:
        return of("mbox")
    if start.startswith("mime-version:") and "multipart/related" in start and "subject:" not in start:
        return of("html", "mhtml")
    headers = []
    for line in text[:8192].split("\n")[:40]:
        if not line.strip():
            break
        if line[:1] in " \t":
            continue
        if not _HEADER.match(line):
            return None
        headers.append(line.partition(":")[0].lower())
    known = _MAIL_HEADERS & set(headers)
    return of("eml") if len(known) >= 3 and known & {"from", "received", "return-path"} else None


def _by_marks(text: str, extension: str) -> FileType:
    claimed = _BY_EXTENSION.get(extension, "")
    if extension in _QUOTING:
        return of("text")
    mine = _language(claimed)
    if mine not in _LANGUAGES and _JSON.match(text):
        return of("json")
    low = _INLINE.sub(r"\1", _PAYLOAD.sub("…", text.lower()))
    claim = _score(low, _LANGUAGES[mine]) if mine in _LANGUAGES else 0
    # The claim stands unless another language has twice as much: those that cannot have it are not looked for.
    if claim >= _ENOUGH and not any(
        _heaviest(marks) >= 2 * claim and _score(low, marks) >= 2 * claim for marks in _LANGUAGES.values()
    ):
        return _settle(mine, text, claimed)
    found = {language: _score(low, marks) for language, marks in _LANGUAGES.items()}
    best = max(found, key=lambda language: (found[language], language == mine))
    needed = _CLEARLY if not extension or mine in found or extension not in KNOWN_EXTENSIONS else _BEYOND_DOUBT
    itself = mine == "powershell" and best == "batch" and found[mine]  # a script that calls its own interpreter
    if found[best] >= needed and not itself:
        return _settle(best, text, claimed)
    if mine in found:
        return _settle(mine, text, claimed)
    return of("json" if claimed == "json" else "text")


def _language(claimed: str) -> str:
    """The language whose marks a text of the claimed kind has."""
    return {"node": "javascript", "bash": "shell", "hta": "vbscript"}.get(claimed, claimed)


def _score(low: str, marks: tuple[tuple[int, re.Pattern[str]], ...]) -> int:
    return sum(weight for weight, pattern in marks if pattern.search(low))


def _heaviest(marks: tuple[tuple[int, re.Pattern[str]], ...]) -> int:
    return sum(weight for weight, _ in marks)


def _settle(language: str, text: str, claimed: str) -> FileType:
    if language != "javascript":
        return of("bash" if language == "shell" and claimed == "bash" else language)
    if _JSCRIPT.search(text):
        return of("jscript")
    if claimed == "node" or _NODE.search(text) or _MODERN.search(text):
        return of("node")
    # A .js that says neither: whoever double-clicks it on Windows gets the script host.
    return of("jscript")
