"""Turns the source of VBA modules into what this office's Basic can run with the same effect.

Basic here knows most of VBA. What it does not know, or would do in terms of this machine, is led to the objects of
oleautomation: functions of Windows libraries (Declare), GetObject, Shell, Environ, and statements on files of drive C.
An error in a procedure without a handler of its own does not end the macro: Word would not have had the error.
"""

import re
from collections.abc import Iterable, Iterator

_DECLARE = re.compile(
    r"^\s*(?:Public\s+|Private\s+)?Declare\s+(?:PtrSafe\s+)?(?:Function|Sub)\s+(\w+)[%&!#@$^]?\s+(?:CDecl\s+)?"
    r'Lib\s+"([^"]*)"(?:\s+Alias\s+"([^"]*)")?\s*(?:\((.*?)\)\s*(?:As\s+[\w.]+)?)?\s*$',
    re.IGNORECASE,
)
_PROCEDURE = re.compile(
    r"^\s*(?:Public\s+|Private\s+|Friend\s+)?(?:Static\s+)?(?:Sub|Function|Property\s+(?:Get|Let|Set))\s+\w+",
    re.IGNORECASE,
)
_END = re.compile(r"^\s*End\s+(?:Sub|Function|Property)\b", re.IGNORECASE)
_HANDLER = re.compile(r"\bOn\s+Error\b", re.IGNORECASE)
_CONSTANTS = {"vba7": True, "win64": True, "win32": True, "vba6": True, "mac": False, "win16": False}

_ARGUMENT = re.compile(
    r"(?:ByVal|ByRef|ParamArray)?\s*(\w+)(?:\(\))?[%&!#@$^]?\s*"
    r"(?:As\s+[\w.]+\s*(?:\*\s*\d+)?)?\s*(?:=.*)?$",
    re.IGNORECASE,
)

# Outside of strings and comments. A name after a dot belongs to some object.
_WORDS = (
    (re.compile(r"(?<![\w.])GetObject\s*\(\s*,", re.IGNORECASE), "Win_Object("),
    (re.compile(r"(?<![\w.])(?:VBA\.(?:Interaction\.)?)?GetObject(?=\s*\()", re.IGNORECASE), "Win_Object"),
    (re.compile(r"(?<![\w.])(?:VBA\.(?:Interaction\.)?)?CreateObject(?=\s*\()", re.IGNORECASE), "Win_Object"),
    (re.compile(r"(?<![\w.])(?:VBA\.(?:Interaction\.)?)?Shell\$?(?=\s*[(\w\"])", re.IGNORECASE), "Win_Shell"),
    (re.compile(r"(?<![\w.])(?:VBA\.(?:Interaction\.)?)?Environ\$?(?=\s*\()", re.IGNORECASE), "Win_Environ"),
    (re.compile(r"(?<![\w.])(?:VBA\.(?:FileSystem\.)?)?Dir\$?(?=\s*\()", re.IGNORECASE), "Win_Dir"),
    (re.compile(r"(?<![\w.])(?:VBA\.(?:FileSystem\.)?)?FileLen(?=\s*\()", re.IGNORECASE), "Win_FileLen"),
    (re.compile(r"(?<![\w.])(Kill|MkDir|RmDir|ChDir|FileCopy)(?=\s+[^=\s])", re.IGNORECASE), r"Win_\1"),
    (re.compile(r"(?<![\w.])(?:VBA\.(?:Interaction\.)?)?MsgBox(?=\s*[(\w\"])", re.IGNORECASE), "Win_MsgBox"),
    (re.compile(r"(?<![\w.])Application\.Wait(?=\s*[(\w\"])", re.IGNORECASE), "Win_WaitUntil"),
    (re.compile(r"(?<![\w.])SetAttr(?=\s+[^=\s])", re.IGNORECASE), "Win_SetAttr"),
    # Basic here does not know what is in brackets after brackets.
    (re.compile(r"(\.(?:Environment|SpecialFolders|ExecQuery|InstancesOf|Items)\s*(?:\([^()]*\)))\s*(?=\()",
    re.IGNORECASE), r"\1.Item"),
    (re.compile(r"\bAs\s+(?:LongPtr|LongLong)\b", re.IGNORECASE), "As Variant"),
    (re.compile(r"(?<![\w.])C(?:LngPtr|LngLng)(?=\s*\()", re.IGNORECASE), "CDbl"),
)  # fmt: skip
_OPEN = re.compile(r"^(\s*)Open\s+(.+)\s+For\s+(Output|Input|Append|Binary|Random)\b(.*)$", re.IGNORECASE)

_SUPPORT = """
Private Function Win_Object(name)
 Set Win_Object = CreateObject(name)
End Function
Private Function Win_MsgBox(text, Optional buttons, Optional title)
 If IsMissing(buttons) Then buttons = 0
 If IsMissing(title) Then title = "Microsoft Office"
 CreateObject("office:windows").MsgBox text, buttons, title
 Win_MsgBox = MsgBox(text, buttons, title)
End Function
Private Function Win_WaitUntil(moment)
 CreateObject("office:windows").Wait (CDbl(CDate(moment)) - CDbl(Now)) * 86400
 Win_WaitUntil = True
End Function
Private Function Win_Shell(line, Optional style)
 Win_Shell = CreateObject("office:windows").Shell(line)
End Function
Private Function Win_Environ(name)
 Win_Environ = CreateObject("office:windows").Environ(name)
End Function
Private Function Win_Path(path)
 Win_Path = CreateObject("office:windows").Path(path)
End Function
Private Function Win_Dir(Optional path, Optional kind)
 If IsMissing(path) Then
  Win_Dir = CreateObject("office:windows").Dir("")
 Else
  Win_Dir = CreateObject("office:windows").Dir(path)
 End If
End Function
Private Function Win_FileLen(path)
 Win_FileLen = CreateObject("office:windows").FileLen(path)
End Function
Private Sub Win_Kill(path)
 CreateObject("office:windows").Kill(path)
End Sub
Private Sub Win_MkDir(path)
 CreateObject("office:windows").MkDir(path)
End Sub
Private Sub Win_RmDir(path)
 CreateObject("office:windows").RmDir(path)
End Sub
Private Sub Win_ChDir(path)
End Sub
Private Sub Win_FileCopy(source, target)
 CreateObject("office:windows").FileCopy(source, target)
End Sub
Private Sub Win_SetAttr(path, value)
 CreateObject("office:windows").SetAttr(path, value)
End Sub
"""


def translate(source: str) -> str:
    """The module's source as this office runs it; the same text when there is nothing to change."""
    lines, functions = [], []
    for line in _joined(_chosen(source.replace("\r\n", "\n").split("\n"))):
        declared = _DECLARE.match(_without_comment(line))
        if declared:
            functions.append(_library_function(*declared.groups()))
        else:
            lines.append(_line(line))
    text = "\n".join(_with_handlers(lines)) + "\n" + "".join(functions)
    used = [part for part in _support() if re.search(rf"\b{part[0]}\b", text)]
    return text + "".join(part[1] for part in used)


def _chosen(lines: Iterable[str]) -> Iterator[str]:
    """The lines whose conditions (#If VBA7 ...) hold for a current 64-bit Office."""
    stack: list[str] = []
    for line in lines:
        found = re.match(r"^\s*#\s*(If|ElseIf|Else|End\s*If|Const)\b(.*)$", line, re.IGNORECASE)
        if not found:
            if all(state == "now" for state in stack):
                yield line
            continue
        word = found[1].lower().replace(" ", "")
        if word == "if":
            stack.append("now" if _holds(found[2]) else "later")
        elif word == "endif" and stack:
            stack.pop()
        elif stack and word in {"else", "elseif"}:
            if stack[-1] == "later":
                stack[-1] = "now" if word == "else" or _holds(found[2]) else "later"
            else:
                stack[-1] = "done"


def _holds(condition: str) -> bool:
    words = re.sub(r"(?i)\bThen\b.*$", "", condition).split()
    value: bool | None = None
    negated, joint = False, "or"
    for word in words:
        lower = word.strip("()").lower()
        if lower == "not":
            negated = not negated
        elif lower in {"and", "or"}:
            joint = lower
        elif lower not in {"=", "1", "-1", "true", ""}:
            one = _CONSTANTS.get(lower, False) != negated
            value = one if value is None else (value and one if joint == "and" else value or one)
            negated = False
    return bool(value)


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Statements that go on in the next line (" _") as one line."""
    held = ""
    for line in lines:
        if re.search(r"\s_\s*$", line) and len(held) < 20000:
            held += re.sub(r"\s_\s*$", " ", line)
        else:
            yield held + line
            held = ""
    if held:
        yield held


def _parts(line: str) -> Iterator[tuple[str, bool]]:
    """(text, is code) of a line: strings and the comment are not code."""
    at = 0
    for found in re.finditer(r'"(?:[^"]|"")*"?|\'.*$', line):
        yield line[at : found.start()], True
        yield found[0], False
        at = found.end()
    yield line[at:], True


def _without_comment(line: str) -> str:
    return "".join(text for text, code in _parts(line) if code or not text.startswith("'"))


def _line(line: str) -> str:
    if re.match(r"^\s*(?:Rem|Attribute|Option)\b", line, re.IGNORECASE):
        return line
    if opened := _OPEN.match(line):
        line = f"{opened[1]}Open Win_Path({opened[2]}) For {opened[3]}{opened[4]}"
    # Strings stay out of the way of the patterns, but a pattern may end just before one.
    strings: list[str] = []

    def hide(text: str) -> str:
        strings.append(text)
        return f'"{len(strings) - 1}"'

    bare = "".join(text if code else (hide(text) if text.startswith('"') else "") for text, code in _parts(line))
    for pattern, word in _WORDS:
        bare = pattern.sub(word, bare)
    return re.sub(r'"(\d+)"', lambda found: strings[int(found[1])], bare)


def _library_function(name: str, library: str, alias: str | None, arguments: str | None) -> str:
    names = []
    for number, argument in enumerate((arguments or "").split(",")):
        if found := _ARGUMENT.search(re.sub(r"(?i)\bOptional\s+", "", argument.strip())):
            names.append(found[1] if found[1].lower() not in {"as", "any"} else f"a{number}")
    given = ", ".join(names)
    call = ", ".join([f'"{library}"', f'"{alias or name}"', *names])
    optional = ", ".join(f"Optional {one}" for one in names)
    return (
        f'Function {name}({optional or given})\n {name} = CreateObject("office:windows").Library({call})\n'
        f"End Function\n"
    )


def _with_handlers(lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line
        if _PROCEDURE.match(line) and ":" not in line:
            rest = lines[number + 1 :]
            end = next((at for at, one in enumerate(rest) if _END.match(one)), len(rest))
            if not any(_HANDLER.search(one) for one in rest[:end]):
                yield "On Error Resume Next"


def _support() -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"Private (?:Function|Sub) (\w+).*?End (?:Function|Sub)\n", _SUPPORT, re.DOTALL):
        yield found[1], found[0]
