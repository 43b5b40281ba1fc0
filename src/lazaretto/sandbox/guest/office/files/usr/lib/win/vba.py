"""Turns the source of macros into what this office's Basic can run with the same effect.

Basic here knows most of VBA. What it does not know, or would do in terms of this machine, is led to the objects of
oleautomation: functions of Windows libraries (Declare), GetObject, Shell, Environ, and statements on files of drive C.
Print # and Write # become bytes that are put: Basic here forgets a line that is not ended, ends the others by a line
feed alone, and writes what Chr made of a number above 127 as the sign for what cannot be shown.
Basic of this office's own documents stays what it is, but for what has to be told of: boxes and waiting.
An error in a procedure without a handler of its own does not end the macro: Word would not have had the error.
"""

import re
from collections.abc import Callable, Iterable, Iterator

_Word = tuple[re.Pattern[str], str]
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

_MESSAGE_BOX = (re.compile(r"(?<![\w.])(?:VBA\.(?:Interaction\.)?)?MsgBox(?=\s*[(\w\"])", re.IGNORECASE), "Win_MsgBox")
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
    _MESSAGE_BOX,
    (re.compile(r"(?<![\w.])Application\.Wait(?=\s*[(\w\"])", re.IGNORECASE), "Win_WaitUntil"),
    (re.compile(r"(?<![\w.])(?:VBA\.(?:Strings\.)?)?StrConv(?=\s*\()", re.IGNORECASE), "Win_StrConv"),
    # Chr by the code page of this machine knows no more than ASCII; Asc gives back what ChrW was given.
    (re.compile(r"(?<![\w.])(?:VBA\.(?:Strings\.)?)?Chr\$?(?=\s*\()", re.IGNORECASE), "ChrW"),
    (re.compile(r"(?<![\w.])SetAttr(?=\s+[^=\s])", re.IGNORECASE), "Win_SetAttr"),
    # Basic here does not know what is in brackets after brackets.
    (re.compile(r"(\.(?:Environment|SpecialFolders|ExecQuery|InstancesOf|Items)\s*(?:\([^()]*\)))\s*(?=\()",
    re.IGNORECASE), r"\1.Item"),
    (re.compile(r"\bAs\s+(?:LongPtr|LongLong)\b", re.IGNORECASE), "As Variant"),
    (re.compile(r"(?<![\w.])C(?:LngPtr|LngLng)(?=\s*\()", re.IGNORECASE), "CDbl"),
)  # fmt: skip
_OWN_WORDS = (
    _MESSAGE_BOX,
    (re.compile(r"(?<![\w.])Wait(?=\s*\(|\s+\w)", re.IGNORECASE), "Win_Wait"),
)
_STATEMENT = re.compile(
    r"(?P<before>^\s*(?:\d+\s)?|:|\bThen\b|\bElse\b)(?P<space>\s*)"
    r"(?P<word>Open|Print|Write|Put)\b(?P<rest>[^:]*?)(?=\s*(?:$|:|\bElse\b))",
    re.IGNORECASE,
)
_ONE_LINE = re.compile(
    r"^(\s*)(If\b.+?\bThen)\s+(?![\d\s])((?:(?!\bThen\b).)+?)\s*\bElse\s+(?![\d\s])((?:(?!\bThen\b).)+)$", re.IGNORECASE
)
_OPEN = re.compile(
    r"\s*(?P<path>.+?)\s+For\s+(?P<mode>Output|Input|Append|Binary|Random)\b(?P<access>.*?)\bAs\s+"
    r"(?P<channel>#?\s*[^\s=]+)(?P<length>.*)$",
    re.IGNORECASE,
)
_CHANNEL = re.compile(r"\s*#\s*([^,]+?)\s*(?:,(.*))?$")

# What uses another of them stands before it.
_SUPPORT = """
Private Sub Win_PutByte(channel, place, value)
 Dim data As Byte
 data = value
 Win_Put channel, place, data
End Sub
Private Sub Win_Put(channel, place, value)
 If place > 0 Then
  If place > LOF(channel) + 1 Then
   Dim zeros() As Byte
   ReDim zeros(0 To place - LOF(channel) - 2)
   Seek #channel, LOF(channel) + 1
   Put #channel, , zeros
  End If
  Seek #channel, place
 End If
 If VarType(value) = 8 Then
  Win_Print channel, value
 Else
  Put #channel, , value
 End If
End Sub
Private Sub Win_Print(channel, text)
 Dim data() As Byte
 If Len(text) = 0 Then Exit Sub
 If Replace(Replace(text, Chr(13), ""), Chr(10), "") Like "*[!" & Chr(1) & "-~]*" Then
  data = Win_Bytes(text)
  Put #channel, , data
 Else
  Put #channel, , text
 End If
End Sub
Private Function Win_StrConv(value, kind, Optional language)
 If IsArray(value) And kind = 64 Then
  Win_StrConv = CreateObject("office:windows").Text(value)
 ElseIf kind = 128 Then
  Win_StrConv = Win_Bytes(value)
 Else
  Win_StrConv = StrConv(value, kind)
 End If
End Function
Private Function Win_Bytes(text)
 Dim data() As Byte
 Dim at
 data = StrConv(text, 128)
 For Each at In CreateObject("office:windows").Controls(text)
  data(LBound(data) + at) = AscW(Mid(text, at + 1, 1))
 Next
 Win_Bytes = data
End Function
Private Function Win_Quoted(value)
 Select Case VarType(value)
 Case 1
  Win_Quoted = "#NULL#"
 Case 7
  Win_Quoted = "#" & Format(value, "YYYY-MM-DD HH:MM:SS") & "#"
 Case 8
  Win_Quoted = Chr(34) & value & Chr(34)
 Case 11
  Win_Quoted = "#" & UCase(CStr(value)) & "#"
 Case Else
  Win_Quoted = Trim(Win_Shown(value))
 End Select
End Function
Private Function Win_Shown(value)
 Select Case VarType(value)
 Case 1
  Win_Shown = "Null"
 Case 2, 3, 4, 5, 6, 14, 16, 17, 18, 19, 20, 21
  Win_Shown = Str(value) & " "
 Case 11
  Win_Shown = CStr(value) & " "
 Case Else
  Win_Shown = CStr(value)
 End Select
End Function
Private Function Win_Tab(ByVal text, ByVal column)
 If column = 0 Then column = (Len(text) \\ 14 + 1) * 14 + 1
 If Len(text) >= column Then text = text & Chr(13) & Chr(10)
 Win_Tab = text & Space(column - 1 - Len(Mid(text, InStrRev(text, Chr(10)) + 1)))
End Function
Private Function Win_Fresh(path)
 Win_Fresh = CreateObject("office:windows").Fresh(path)
End Function
Private Function Win_Object(name)
 Set Win_Object = CreateObject(name)
End Function
Private Function Win_MsgBox(text, Optional buttons, Optional title)
 If IsMissing(buttons) Then buttons = 0
 If IsMissing(title) Then title = "Microsoft Office"
 CreateObject("office:windows").MsgBox text, buttons, title
 Win_MsgBox = MsgBox(text, buttons, title)
End Function
Private Sub Win_Wait(milliseconds)
 CreateObject("office:windows").Wait milliseconds / 1000
End Sub
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
            lines.append(_line(line, _WORDS, _file_statement))
    text = "\n".join(_with_handlers(lines)) + "\n" + "".join(functions)
    return _supported(text)


def translate_basic(source: str) -> str:
    """The same for a module of Basic that was written for this office."""
    lines = source.replace("\r\n", "\n").split("\n")
    text = "\n".join(_line(line, _OWN_WORDS) if _names_one(line) else line for line in lines)
    return _supported(text + "\n") if text != "\n".join(lines) else source


def _names_one(line: str) -> bool:
    return any(pattern.search(line) for pattern, _ in _OWN_WORDS)


def _supported(text: str) -> str:
    """`text` with the procedures that it calls by now; a name that it defines itself stays its own."""
    for name, part in _support():
        if re.search(rf"\b{name}\b", text) and not re.search(rf"(?i)\b(?:Sub|Function)\s+{name}\b", text):
            text += part
    return text


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


def _line(line: str, words: Iterable[_Word], statement: Callable[[re.Match[str]], str] | None = None) -> str:
    if re.match(r"^\s*(?:Rem|Attribute|Option)\b", line, re.IGNORECASE):
        return line
    # Strings stay out of the way of the patterns, but a pattern may end just before one.
    strings: list[str] = []

    def hide(text: str) -> str:
        strings.append(text)
        return f'"{len(strings) - 1}"'

    bare = "".join(text if code else (hide(text) if text.startswith('"') else "") for text, code in _parts(line))
    for pattern, word in words:
        bare = pattern.sub(word, bare)
    if statement:
        bare = _STATEMENT.sub(statement, bare)
    # In one line, a procedure's call without brackets hides the Else from Basic here.
    bare = _ONE_LINE.sub(r"\1\2\n\1\3\n\1Else\n\1\4\n\1End If", bare)
    return re.sub(r'"(\d+)"', lambda found: strings[int(found[1])], bare)


def _file_statement(found: re.Match[str]) -> str:
    """Open, Print #, Write # and Put # with the same effect as in VBA."""
    makers = {"open": _open, "print": _print, "write": _write, "put": _put}
    changed = makers[found["word"].lower()](found["rest"])
    return f"{found['before']}{found['space']}{changed}" if changed else found[0]


def _open(rest: str) -> str | None:
    opened = _OPEN.match(rest)
    if not opened:
        return None
    mode, channel = opened["mode"].lower(), opened["channel"].lstrip("# ")
    if mode not in {"output", "append"}:
        kept = f"For {opened['mode']}{opened['access']}As {opened['channel']}{opened['length']}"
        return f"Open Win_Path({opened['path']}) {kept}"
    place = "Win_Fresh" if mode == "output" else "Win_Path"
    statement = f"Open {place}({opened['path']}) For Binary{opened['access']}As #{channel}"
    return statement if mode == "output" else f"{statement}: Seek #{channel}, LOF({channel}) + 1"


def _print(rest: str) -> str | None:
    written = _CHANNEL.match(rest)
    if not written:
        return None
    text, ended = '""', True
    for item, mark in _items(written[2] or ""):
        ended = not mark
        if tab := re.match(r"Tab\s*(?:\((.*)\))?$", item, re.IGNORECASE):
            text = f"Win_Tab({text}, {tab[1] or 0})"
        elif item:
            text += f" & {item}" if re.match(r"Spc\s*\(", item, re.IGNORECASE) else f" & Win_Shown({item})"
        if mark == ",":
            text = f"Win_Tab({text}, 0)"
    return _call("Win_Print", written[1], text + (" & Chr(13) & Chr(10)" if ended else ""))


def _write(rest: str) -> str | None:
    written = _CHANNEL.match(rest)
    if not written:
        return None
    items = list(_items(written[2] or ""))
    ended = not items or not items[-1][1]
    parts = [f"Win_Quoted({item})" if item else '""' for item, _ in items]
    text = ' & "," & '.join(parts) or '""'
    return _call("Win_Print", written[1], f"{text} & " + ("Chr(13) & Chr(10)" if ended else '","'))


def _put(rest: str) -> str | None:
    items = [item for item, _ in _items(rest.strip())]
    if len(items) != 3 or not items[0].startswith("#"):
        return None
    channel, place, value = items
    # What a function gave has no type for Put here, and is written with a mark of what it is.
    word = "Win_PutByte" if re.match(r"CByte\s*\(", value, re.IGNORECASE) else "Win_Put"
    return _call(word, channel.lstrip("# "), place or "0", value)


def _call(name: str, *arguments: str) -> str:
    """Without the word Call, Basic here does not find the Else behind it."""
    return f"Call {name}({', '.join(arguments)})"


def _items(text: str) -> Iterator[tuple[str, str]]:
    """(expression, the comma or semicolon behind it) of a list; no expression where there is only the mark."""
    depth, start = 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter in ",;" and depth == 0:
            yield text[start:at].strip(), letter
            start = at + 1
    if text[start:].strip():
        yield text[start:].strip(), ""


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
