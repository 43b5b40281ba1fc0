"""What each call of a language does in the world: from calls with folded arguments to acts and to code inside code."""

# ruff: noqa: ARG001, ARG005, E501  a row of a table is one line; all functions of a table take the same

from __future__ import annotations

import re
from collections.abc import Callable

from lazaretto.analysis.scripting import decoding, operators, powershell, programs, shell
from lazaretto.analysis.scripting.acts import Act, Found, Kind, Layer
from lazaretto.analysis.scripting.interpreter import Closure, Made
from lazaretto.analysis.scripting.values import HOLE, NOWHERE, Blob, Thing, Value, origins

Effect = Callable[[Made], Found]
_WINDOWS = {"javascript", "vbscript", "batch", "powershell"}
_COMMAND_LIKE = re.compile(r"\\|\.exe\b|^\s*(?:cmd|powershell|reg|schtasks|start|wmic)\b", re.IGNORECASE)


def of_call(made: Made, language: str) -> Found:
    """What a call does; nothing for most calls."""
    if language in {"shell", "batch", "powershell"} and "." not in made.name.strip("."):
        found = _of_shell_command(made, language)
        if found.acts or found.layers or language != "powershell":
            return found
    elif language in {"shell", "batch"}:
        return _of_shell_command(made, language)
    effect = _effect(made.name, language)
    found = effect(made) if effect else Found()
    for value in made.args[:3]:
        if (
            isinstance(value, str)
            and 5 < len(value) < 2_000
            and programs.secret(value)
            and effect is None
            and not made.name.endswith((".match", ".test", "print", "echo"))
        ):
            found.acts.append(Act(Kind.READ, f"{made.name}({value})", path=value))
    return found


def _effect(name: str, language: str) -> Effect | None:
    table = _TABLES.get(language, {})
    if name in table:
        return table[name]
    for start, effect in _STARTS.get(language, ()):
        if name.startswith(start):
            return effect
    for end, effect in _ENDS.get(language, ()):
        if name.endswith(end):
            return effect
    return None


# -- what the tables are made of ----------------------------------------------------------------------------------------


def code(language: str, place: int = 0) -> Effect:
    """The argument is run as code."""

    def effect(made: Made) -> Found:
        value = made.arg(place)
        if value is None and made.piped is not None:
            value = made.piped
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            value = operators.joined(value, "\n")
        if isinstance(value, Closure):
            return Found()
        return of_code(value, language, made)

    return effect


def of_code(value: Value, language: str, made: Made) -> Found:
    how = origins(value)
    act = Act(Kind.EVALUATE, _said(made), value, origins=how, folded=made.hidden, where=made.where)
    if isinstance(value, str | bytes) and len(value) > 2:
        data = value.encode("utf-8", "replace") if isinstance(value, str) else bytes(value)
        return Found([act], [Layer(language, data, how)])
    return Found([act]) if isinstance(value, Thing) else Found()


def timer(language: str) -> Effect:
    """`setTimeout("code", ...)`: code only where it is a text."""

    def effect(made: Made) -> Found:
        return of_code(made.args[0], language, made) if made.args and isinstance(made.args[0], str) else Found()

    return effect


def run(place: int = 0, hidden: Callable[[Made], bool] = lambda _: False) -> Effect:
    """The argument is a command line, or a program with its arguments in a list."""

    def effect(made: Made) -> Found:
        value = made.arg(place, "args", "command")
        words = [operators.to_text(one) for one in value] if isinstance(value, list) else []
        text = " ".join(words) if words else operators.to_text(value) if value is not None else ""
        if not words and len(made.args) > place + 1 and isinstance(made.args[place + 1], list):
            words = [text, *(operators.to_text(one) for one in made.args[place + 1])]
            text = " ".join(words)
        return of_command_line(text, words, made, hidden(made))

    return effect


def of_command_line(text: str, words: list[str], made: Made, hidden: bool) -> Found:
    """Starting a command: the act, and what the command line itself says as a layer that is read in place."""
    how = frozenset().union(origins(text), *(origins(word) for word in words), *(origins(one) for one in made.args[:2]))
    act = Act(
        Kind.RUN, text[:2000], text, path=(words[0] if words else text).strip('"'), origins=how, hidden=hidden,
        folded=made.hidden or bool(how & _FOLDS), where=made.where,
    )  # fmt: skip
    if not text.strip(HOLE + " "):
        return Found([act])
    if words:
        inner = programs.of_command(words[0], words[1:])
        return Found([act, *inner.acts], inner.layers)
    language = "batch" if _COMMAND_LIKE.search(text) else "shell"
    return Found([act], [Layer(language, text.encode("utf-8", "replace"), how, line=True)])


_FOLDS = frozenset({"base64", "hex", "compressed", "characters", "reversed", "rotated", "xor", "encrypted", "replaced"})


def fetch(url: int = 0, to: int = -1) -> Effect:
    def effect(made: Made) -> Found:
        address, path = made.arg(url, "url"), made.arg(to)
        return Found([Act(
            Kind.FETCH, operators.to_text(address)[:1000] if address is not None else "", path=operators.to_text(path) if path is not None else "",
            folded=bool(origins(address) & _FOLDS), where=made.where,
        )])  # fmt: skip

    return effect


def send(made: Made) -> Found:
    address = operators.to_text(made.args[0])[:500] if made.args else ""
    given = (
        frozenset().union(*(origins(one) for one in (*made.args[1:], *made.named.values()))) if made.args else NOWHERE
    )
    return Found([Act(Kind.SEND, address, origins=given, where=made.where), Act(Kind.FETCH, address, where=made.where)])


def fetch_or_send(made: Made) -> Found:
    """A request: with a body it sends."""
    given = frozenset().union(
        *(origins(one) for one in (*made.args[1:], *made.named.values())), *(origins(one) for one in made.args[:1])
    )
    address = operators.to_text(made.args[0])[:500] if made.args else ""
    acts = [Act(Kind.FETCH, address, where=made.where, folded=bool(made.args and origins(made.args[0]) & _FOLDS))]
    if len(made.args) > 1 or set(made.named) & {"data", "json", "files", "body"} or given & {"environment", "file"}:
        acts.append(Act(Kind.SEND, address, origins=given, where=made.where))
    return Found(acts)


def write(path: int = 0, data: int = 1) -> Effect:
    def effect(made: Made) -> Found:
        where, what = made.arg(path), made.arg(data)
        name = operators.to_text(where) if where is not None else ""
        acts = [Act(Kind.WRITE, f"{made.name}({name})"[:500], what, name, origins(what), where=made.where)]
        if programs.start_place(name):
            acts.append(Act(Kind.PERSIST, name, where=made.where))
        return Found(acts)

    return effect


def simple(kind: Kind) -> Effect:
    def effect(made: Made) -> Found:
        how = frozenset().union(*(origins(one) for one in made.args[:4]))
        path = operators.to_text(made.args[0]) if made.args and isinstance(made.args[0], str) else ""
        return Found([Act(kind, _said(made), path=path, origins=how, folded=made.hidden, where=made.where)])

    return effect


def wait(scale: float) -> Effect:
    def effect(made: Made) -> Found:
        value = operators.number(made.arg(0, "seconds", "s", "milliseconds", "m"))
        return (
            Found([Act(Kind.WAIT, _said(made), seconds=float(value) * scale)])
            if value is not None and abs(value) < 1e12
            else Found()
        )

    return effect


def registry(made: Made) -> Found:
    return programs.of_registry(" ".join(operators.to_text(one) for one in made.args))


def wmi_query(made: Made) -> Found:
    text = " ".join(operators.to_text(one) for one in made.args)
    return (
        Found([Act(Kind.CHECK, text[:300])])
        if re.search(
            r"antivirusproduct|win32_(?:bios|computersystem|videocontroller|diskdrive|fan)\b", text, re.IGNORECASE
        )
        else Found()
    )


def _said(made: Made) -> str:
    given = ", ".join(_brief(one) for one in made.args[:4])
    return f"{made.name}({given})"


def _brief(value: Value) -> str:
    if isinstance(value, str):
        return repr(value[:120].replace(HOLE, "…"))
    if isinstance(value, Thing):
        return value.path[:80] or "…"
    return repr(value)[:60] if isinstance(value, int | float | bool | type(None)) else "…"


# -- the languages --------------------------------------------------------------------------------------------------------


def _hidden_first(made: Made) -> bool:
    return made.arg(1) in {0, "0"}


def _shell_execute(made: Made) -> Found:
    words = [operators.to_text(one) for one in made.args[:2] if one is not None]
    return of_command_line(" ".join(words), [], made, made.arg(4) in {0, "0"})


def _opened(made: Made) -> Found:
    """`xhr.open("GET", url)`."""
    return fetch(1)(made)


def _saved(made: Made) -> Found:
    """A stream saved to a file. What is in it came from the network as a rule; `judge` looks whether something did."""
    return Found([Act(Kind.WRITE, _said(made), path=operators.to_text(made.arg(0)), origins=frozenset({"stream"}))])


def _offered(made: Made) -> Found:
    """A file made by the page itself and offered for saving: `URL.createObjectURL(new Blob([...]))`."""
    value = made.arg(0)
    parts = value.get("blob") if isinstance(value, dict) else None
    parts = parts if isinstance(parts, list) else [parts]
    if parts and all(isinstance(one, int) for one in parts):
        parts = [bytes(one & 255 for one in parts)]
    data = b"".join(
        bytes(one) if isinstance(one, bytes) else one.encode("latin-1", "replace") if isinstance(one, str) and HOLE not in one
        else bytes(byte & 255 for byte in one) if isinstance(one, list) and all(isinstance(byte, int) for byte in one) else b""
        for one in parts
    )  # fmt: skip
    name = value.get("name", "") if isinstance(value, dict) else ""
    return Found([Act(Kind.OFFER, _said(made), data, operators.to_text(name), origins(parts))]) if data else Found()


def _link(made: Made) -> Found:
    """A link's target set to a file in text form: `a.href = "data:...;base64,..."`."""
    value = made.arg(0)
    found = re.match(r"data:([\w/+.-]*)[^,]*;base64,", value) if isinstance(value, str) else None
    if found is None:
        return Found()
    data = decoding.from_base64(value[found.end() :])
    return (
        Found([Act(Kind.OFFER, made.name, bytes(data), "", frozenset({"base64"}))])
        if isinstance(data, bytes)
        else Found()
    )


_COM: dict[str, Effect] = {
    "wscript.shell.run": run(0, _hidden_first), "wscript.shell.exec": run(), "shell.application.shellexecute": _shell_execute,
    "shell.application.open": run(), "wscript.sleep": wait(0.001), "wscript.shell.regwrite": registry,
    "adodb.stream.savetofile": _saved, "adodb.stream.write": lambda m: Found([Act(Kind.WRITE, "stream", m.arg(0), "", origins(m.arg(0)))]),
    "scripting.filesystemobject.deletefile": simple(Kind.DELETE), "scripting.filesystemobject.createtextfile": write(0, 9),
    "scripting.filesystemobject.copyfile": write(1, 9), "winmgmts:.create": run(), "winmgmts:.get().create": run(),
    "winmgmts:.execquery": wmi_query, "scriptcontrol.executestatement": code("vbscript"), "msscriptcontrol.scriptcontrol.eval": code("vbscript"),
    "scriptcontrol.eval": code("vbscript"), "scriptcontrol.addcode": code("vbscript"), "msscriptcontrol.scriptcontrol.addcode": code("vbscript"),
    "schedule.service.getfolder().registertaskdefinition": simple(Kind.PERSIST), "wscript.shell.createshortcut": lambda m: write(0, 9)(m),  # noqa: PLW0108
    "winmgmts:.instancesof().delete_": simple(Kind.DELETE_COPIES),
}  # fmt: skip
_XHR = ("msxml2.xmlhttp", "microsoft.xmlhttp", "msxml2.serverxmlhttp", "winhttp.winhttprequest.5.1", "winhttp.winhttprequest.5", "msxml2.xmlhttp.6.0",
        "msxml2.serverxmlhttp.6.0", "msxml2.xmlhttp.3.0", "xmlhttprequest()")  # fmt: skip
_COM.update({f"{name}.open": _opened for name in _XHR})

_JAVASCRIPT: dict[str, Effect] = {
    **_COM, "eval": code("javascript"), "function": lambda m: code("javascript", len(m.args) - 1)(m) if m.args else Found(),
    "function.constructor": lambda m: code("javascript", len(m.args) - 1)(m) if m.args else Found(), "settimeout": timer("javascript"), "setinterval": timer("javascript"),
    "execscript": code("javascript"), "vm.runinthiscontext": code("javascript"), "vm.runinnewcontext": code("javascript"), "module._compile": code("javascript"),
    "child_process.exec": run(), "child_process.execsync": run(), "child_process.spawn": run(), "child_process.spawnsync": run(), "child_process.execfile": run(),
    "child_process.execfilesync": run(), "child_process.fork": run(), "bun.spawn": run(), "deno.run": run(),
    "fetch": fetch_or_send, "axios": fetch_or_send, "axios.get": fetch_or_send, "axios.post": send, "https.get": fetch(), "http.get": fetch(), "request": fetch(),
    "request.get": fetch(), "got": fetch(), "node-fetch": fetch_or_send, "request.post": send, "https.request": send, "http.request": send, "navigator.sendbeacon": send,
    "fs.writefilesync": write(), "fs.writefile": write(), "fs.createwritestream": write(0, 9), "fs.promises.writefile": write(), "fs.appendfilesync": write(), "fs.appendfile": write(),
    "fs.unlinksync": simple(Kind.DELETE), "fs.unlink": simple(Kind.DELETE), "net.connect": simple(Kind.CONNECT), "net.createconnection": simple(Kind.CONNECT), "net.socket().connect": simple(Kind.CONNECT),
    "document.write": lambda m: Found([], [Layer("html", m.args[0].encode("utf-8", "replace"), origins(m.args[0]))]) if m.args and isinstance(m.args[0], str) and origins(m.args[0]) & _FOLDS else Found(),
    "crypto.createcipheriv": simple(Kind.ENCRYPT), "fs.readdirsync": simple(Kind.ENUMERATE), "fs.readdir": simple(Kind.ENUMERATE),
}  # fmt: skip
_JAVASCRIPT.update(
    dict.fromkeys(
        (
            "url.createobjecturl",
            "webkiturl.createobjecturl",
            "navigator.mssaveblob",
            "navigator.mssaveoropenblob",
            "saveas",
        ),
        _offered,
    )
)
_VBSCRIPT: dict[str, Effect] = {
    **_COM, "execute": code("vbscript"), "executeglobal": code("vbscript"), "eval": code("vbscript"), "shell": run(0, lambda m: m.arg(1) in {0, "0"}),
    "application.run": lambda m: Found(), "kill": simple(Kind.DELETE), "window.execscript": code("vbscript"), "urldownloadtofilea": fetch(1, 2), "urldownloadtofile": fetch(1, 2),
    "virtualalloc": simple(Kind.INJECT), "createthread": simple(Kind.INJECT), "rtlmovememory": simple(Kind.INJECT), "writeprocessmemory": simple(Kind.INJECT),
}  # fmt: skip


def _dup(made: Made) -> Found:
    """A socket put in the place of standard input."""
    return (
        Found([Act(Kind.SHELL, _said(made), origins=frozenset({"half"}))]) if "net" in origins(made.arg(0)) else Found()
    )


def _pty(made: Made) -> Found:
    value = made.arg(0)
    text = " ".join(map(operators.to_text, value)) if isinstance(value, list) else operators.to_text(value)
    return Found([Act(Kind.RUN, text, path=text)])


def _environment(made: Made) -> Found:
    return Found()


def _python_open(made: Made) -> Found:
    mode = operators.to_text(made.arg(1, "mode") or "r")
    path = operators.to_text(made.arg(0)) if made.args else ""
    if any(letter in mode for letter in "wax+"):
        return write(0, 9)(made)
    return Found([Act(Kind.READ, _said(made), path=path)]) if programs.secret(path) else Found()


def _written(made: Made) -> Found:
    """`open(...).write(data)`."""
    return (
        Found([Act(Kind.WRITE, "stream", made.arg(0), "", origins(made.arg(0)))])
        if made.args and origins(made.args[0]) & (_FOLDS | {"net"})
        else Found()
    )


_PYTHON: dict[str, Effect] = {
    **dict.fromkeys(("exec", "eval", "builtins.exec", "builtins.eval", "__builtins__.exec"), code("python")), "types.functiontype": lambda m: of_code(m.arg(0), "python", m) if origins(m.arg(0)) & {"marshal", "net"} else Found(),
    **dict.fromkeys(("os.system", "os.popen", "subprocess.popen", "subprocess.call", "subprocess.run", "subprocess.check_output", "subprocess.check_call", "subprocess.getoutput", "os.startfile", "commands.getoutput", "asyncio.create_subprocess_shell"), run()),
    **dict.fromkeys(("os.execv", "os.execl", "os.execvp", "os.spawnl"), run()), "pty.spawn": _pty, "webbrowser.open": lambda m: Found(),
    **dict.fromkeys(("urllib.request.urlopen", "urllib2.urlopen", "urllib.urlopen", "requests.get", "requests.request", "httpx.get", "urllib.request.request"), fetch_or_send),
    **dict.fromkeys(("requests.post", "requests.put", "httpx.post"), send), **dict.fromkeys(("urllib.request.urlretrieve", "urllib.urlretrieve", "wget.download"), fetch(0, 1)),
    "open": _python_open, "io.open": _python_open, "open().write": _written, "os.remove": simple(Kind.DELETE), "os.unlink": simple(Kind.DELETE), "os.dup2": _dup,
    "socket.socket().connect": simple(Kind.CONNECT), "socket.create_connection": simple(Kind.CONNECT), "time.sleep": wait(1.0),
    "os.walk": simple(Kind.ENUMERATE), "os.listdir": lambda m: Found(), "glob.glob": simple(Kind.ENUMERATE),
    **dict.fromkeys(("winreg.setvalueex", "_winreg.setvalueex"), lambda m: Found()), **dict.fromkeys(("winreg.openkey", "winreg.createkey", "winreg.openkeyex"), registry),
    "ctypes.windll.kernel32.virtualalloc": simple(Kind.INJECT), "ctypes.windll.kernel32.createthread": simple(Kind.INJECT), "ctypes.windll.kernel32.virtualallocex": simple(Kind.INJECT),
    "ctypes.windll.kernel32.createremotethread": simple(Kind.INJECT), "ctypes.windll.kernel32.writeprocessmemory": simple(Kind.INJECT), "ctypes.windll.kernel32.rtlmovememory": simple(Kind.INJECT),
    "sqlite3.connect": lambda m: Found([Act(Kind.READ, _said(m), path=operators.to_text(m.arg(0)))]) if m.args and programs.secret(operators.to_text(m.args[0])) else Found(),
}  # fmt: skip
_PYTHON_ENDS: tuple[tuple[str, Effect], ...] = (
    (".encrypt", simple(Kind.ENCRYPT)),
    ("().rglob", simple(Kind.ENUMERATE)),
)


def _input_or_run(made: Made) -> Found:
    return run()(made)


def _preg(made: Made) -> Found:
    """`preg_replace` whose pattern has the modifier e runs what it puts in."""
    pattern = made.arg(0)
    ends = isinstance(pattern, str) and re.search(r"[/#~|!@][a-zA-Z]*e[a-zA-Z]*$", pattern) and not pattern[0].isalnum()
    return code("php", 1)(made) if ends else Found()


_PHP_RUN = ("system", "exec", "shell_exec", "passthru", "popen", "proc_open", "pcntl_exec")
_PHP: dict[str, Effect] = {
    **dict.fromkeys(_PHP_RUN, run()), **dict.fromkeys(("eval", "create_function"), lambda m: code("php", len(m.args) - 1)(m) if m.args else Found()),
    "assert": lambda m: of_code(m.args[0], "php", m) if m.args and ((isinstance(m.args[0], str) and not m.args[0].isidentifier()) or origins(m.args[0])) else Found(),
    "preg_replace": _preg, "include": lambda m: of_code(m.args[0], "php", m) if m.args and (origins(m.args[0]) & {"input", "net"} or operators.to_text(m.args[0]).lower().startswith(("data:", "php://input", "http://", "https://", "ftp://"))) else Found(),
    "file_put_contents": write(), "fwrite": lambda m: Found([Act(Kind.WRITE, "stream", m.arg(1), "", origins(m.arg(1)))]), "fputs": lambda m: Found([Act(Kind.WRITE, "stream", m.arg(1), "", origins(m.arg(1)))]),
    "unlink": simple(Kind.DELETE), "fsockopen": simple(Kind.CONNECT), "pfsockopen": simple(Kind.CONNECT), "stream_socket_client": simple(Kind.CONNECT), "curl_init": fetch(),
    "file_get_contents": lambda m: fetch()(m) if m.args and operators.to_text(m.args[0]).lower().startswith("http") else Found(), "copy": lambda m: fetch(0, 1)(m) if m.args and operators.to_text(m.args[0]).lower().startswith("http") else Found(),
    "move_uploaded_file": lambda m: Found([Act(Kind.WRITE, _said(m), m.arg(0), operators.to_text(m.arg(1)), frozenset({"input"}) if "input" in origins(m.arg(0)) and "input" in origins(m.arg(1)) else NOWHERE)]),
    "sleep": wait(1.0), "array_map": lambda m: _callback(m, 0, 1), "usort": lambda m: _callback(m, 1, 0), "array_filter": lambda m: _callback(m, 1, 0), "array_walk": lambda m: _callback(m, 1, 0),
    "register_shutdown_function": lambda m: _callback(m, 0, 1), "call_user_func": lambda m: _callback(m, 0, 1), "call_user_func_array": lambda m: _callback(m, 0, 1),
    "openssl_encrypt": simple(Kind.ENCRYPT), "mcrypt_encrypt": simple(Kind.ENCRYPT),
}  # fmt: skip


def _callback(made: Made, function: int, data: int) -> Found:
    """A function called by its name, which a visitor may have sent."""
    if "input" in origins(made.arg(function)):
        return Found([Act(Kind.RUN, _said(made), made.arg(function), origins=frozenset({"input"}), folded=True)])
    return Found()


def _invoke(made: Made) -> Found:
    value = made.arg(0, "command")
    plain, named = powershell.parameters(made.args)
    value = plain[0] if plain else next(iter(named.values()), made.piped)
    return of_code(value, "powershell", made)


def _start_process(made: Made) -> Found:
    plain, named = powershell.parameters(made.args)
    program = next(
        (value for name, value in named.items() if name and ("filepath".startswith(name) or name == "path")),
        plain[0] if plain else "",
    )
    given = next(
        (
            value
            for name, value in named.items()
            if (len(name) > 1 and "argumentlist".startswith(name)) or name == "args"
        ),
        plain[1] if len(plain) > 1 else "",
    )
    text = f"{operators.to_text(program)} {operators.to_text(given, 'powershell')}".strip()
    style = next(
        (value for name, value in named.items() if name.startswith("w") and "windowstyle".startswith(name)), ""
    )
    return of_command_line(text, [], made, operators.to_text(style).lower() == "hidden")


def _web_request(made: Made) -> Found:
    plain, named = powershell.parameters(made.args)
    address = next(
        (value for name, value in named.items() if ("uri".startswith(name) and name) or name in {"url", "source"}),
        plain[0] if plain else "",
    )
    path = next(
        (value for name, value in named.items() if (name.startswith(("outf", "dest")) or name == "o")),
        "",
    )
    acts = [
        Act(
            Kind.FETCH, operators.to_text(address), path=operators.to_text(path), folded=bool(origins(address) & _FOLDS)
        )
    ]
    body = next((value for name, value in named.items() if name in {"body", "infile", "form"}), None)
    if body is not None:
        acts.append(Act(Kind.SEND, operators.to_text(address), origins=origins(body)))
    return Found(acts)


def _preference(made: Made) -> Found:
    """The scanner's settings: what is switched off, and what it is told to leave alone."""
    _plain, named = powershell.parameters(made.args)
    off = [
        name for name, value in named.items() if name.startswith("disable") and value in {True, "1", "$true", "true"}
    ]
    left_alone = [name for name in named if name.startswith(("exclusion", "attacksurface"))]
    weak = [
        name
        for name, value in named.items()
        if name in {"mapsreporting", "submitsamplesconsent", "puaprotection"}
        and str(value).lower() in {"0", "2", "disabled", "neversend"}
    ]
    return Found([Act(Kind.UNPROTECT, _said(made))]) if off or left_alone or weak else Found()


def _set_item(made: Made) -> Found:
    text = " ".join(operators.to_text(one) for one in made.args)
    return programs.of_registry(text)


def _ps_write(made: Made) -> Found:
    plain, named = powershell.parameters(made.args)
    path = named.get("path", named.get("filepath", named.get("literalpath", plain[0] if plain else "")))
    data = named.get("value", plain[1] if len(plain) > 1 else made.piped)
    return write(0, 1)(Made(made.name, (path, data), {}, where=made.where))


def _get_children(made: Made) -> Found:
    _, named = powershell.parameters(made.args)
    return Found([Act(Kind.ENUMERATE, _said(made))]) if any(name.startswith("r") for name in named) else Found()


def _firewall(made: Made) -> Found:
    _, named = powershell.parameters(made.args)
    return (
        Found([Act(Kind.FIREWALL, _said(made))])
        if operators.to_text(named.get("enabled", "")).lower() in {"false", "0"}
        else Found()
    )


def _event_log(made: Made) -> Found:
    return Found([Act(Kind.UNLOG, _said(made))])


def _stop(made: Made) -> Found:
    text = " ".join(operators.to_text(one) for one in made.args)
    return Found([Act(Kind.UNPROTECT, _said(made))]) if programs.guard(text) else Found()


def _wmi(made: Made) -> Found:
    text = " ".join(operators.to_text(one) for one in made.args)
    if re.search(r"win32_process\b", text, re.IGNORECASE) and re.search(r"\bcreate\b", text, re.IGNORECASE):
        return run(len(made.args) - 1)(made)
    return wmi_query(made)


def _reflected(made: Made) -> Found:
    """A field of the interpreter's own that is not public is set to something else."""
    if "nonpublic" in made.name or any(
        "nonpublic" in operators.to_text(one).lower() for one in made.args if isinstance(one, str)
    ):
        return Found([Act(Kind.TAMPER, _said(made))])
    return Found()


def _add_type(made: Made) -> Found:
    text = " ".join(operators.to_text(one) for one in made.args).lower()
    acts = [
        Act(Kind.INJECT, name)
        for name in (
            "virtualalloc",
            "createthread",
            "createremotethread",
            "writeprocessmemory",
            "virtualprotect",
            "queueuserapc",
            "rtlmovememory",
            "ntmapviewofsection",
        )
        if name in text
    ]
    return Found(acts)


def _loaded(made: Made) -> Found:
    value = made.arg(0)
    how = origins(value)
    return (
        Found([Act(Kind.EVALUATE, _said(made), value, origins=how, folded=True)])
        if how & (_FOLDS | {"net"}) or isinstance(value, bytes | Blob)
        else Found()
    )


def _task(made: Made) -> Found:
    return Found([Act(Kind.PERSIST, _said(made))])


_POWERSHELL: dict[str, Effect] = {
    **_COM, "invoke-expression": _invoke, "start-process": _start_process, "invoke-webrequest": _web_request, "invoke-restmethod": _web_request, "start-bitstransfer": _web_request,
    "set-mppreference": _preference, "add-mppreference": _preference, "set-itemproperty": _set_item, "new-itemproperty": _set_item, "set-item": _set_item,
    "set-content": _ps_write, "add-content": _ps_write, "out-file": _ps_write, "get-childitem": _get_children, "gci": _get_children, "dir": _get_children, "ls": _get_children,
    "set-netfirewallprofile": _firewall, "clear-eventlog": _event_log, "stop-service": _stop, "set-service": _stop, "stop-process": _stop, "uninstall-windowsfeature": _stop,
    "invoke-wmimethod": _wmi, "get-wmiobject": _wmi, "get-ciminstance": _wmi, "invoke-cimmethod": _wmi, "([wmiclass]).create": run(), "[wmiclass].create": run(),
    "register-scheduledtask": _task, "new-scheduledtask": _task, "new-service": _task, "start-sleep": lambda m: _ps_sleep(m), "remove-item": simple(Kind.DELETE),  # noqa: PLW0108
    "net.webclient.downloadstring": fetch(), "net.webclient.downloaddata": fetch(), "net.webclient.downloadfile": fetch(0, 1), "net.webclient.uploadstring": send, "net.webclient.uploaddata": send, "net.webclient.uploadfile": send,
    "[net.webclient].new().downloadstring": fetch(), "[net.webclient].new().downloadfile": fetch(0, 1), "[net.webrequest].create": fetch(), "net.http.httpclient.getstringasync": fetch(),
    "[scriptblock].create": code("powershell"), "$executioncontext.invokecommand.invokescript": code("powershell"), "$executioncontext.invokecommand.newscriptblock": code("powershell"),
    "[diagnostics.process].start": run(), "[io.file].writeallbytes": write(), "[io.file].writealltext": write(), "[io.file].delete": simple(Kind.DELETE),
    "[reflection.assembly].load": _loaded, "[appdomain].currentdomain.load": _loaded, "[runtime.interopservices.marshal].getdelegateforfunctionpointer": simple(Kind.INJECT),
    "[runtime.interopservices.marshal].copy": simple(Kind.INJECT), "add-type": _add_type, "net.sockets.tcpclient": simple(Kind.CONNECT), "[net.sockets.tcpclient].new": simple(Kind.CONNECT),
    "[threading.thread].sleep": wait(0.001), "new-localuser": simple(Kind.ACCOUNT), "add-localgroupmember": simple(Kind.ADMIN), "new-object": lambda m: _created(m),  # noqa: PLW0108
    "[microsoft.win32.registry].setvalue": registry, "remove-wmiobject": lambda m: Found(),
}  # fmt: skip
_POWERSHELL_ENDS: tuple[tuple[str, Effect], ...] = (
    (
        ".getfield().setvalue",
        lambda m: (
            Found([Act(Kind.TAMPER, _said(m))])
            if m.name.startswith(("[ref].assembly", "[psobject].assembly", "[powershell].assembly"))
            or "assembly.gettype" in m.name
            else Found()
        ),
    ),
    (".createencryptor", simple(Kind.ENCRYPT)),
    (".transformfinalblock", lambda m: Found()),
)


def _ps_sleep(made: Made) -> Found:
    plain, named = powershell.parameters(made.args)
    milli = next((value for name, value in named.items() if name.startswith("m")), None)
    value = operators.number(
        milli
        if milli is not None
        else next((value for name, value in named.items() if name.startswith("s")), plain[0] if plain else None)
    )
    return (
        Found([Act(Kind.WAIT, _said(made), seconds=float(value) * (0.001 if milli is not None else 1))])
        if value is not None and abs(value) < 1e12
        else Found()
    )


def _created(made: Made) -> Found:
    name = operators.to_text(made.arg(0)).lower().removeprefix("system.") if made.args else ""
    return Found([Act(Kind.CONNECT, _said(made))]) if name.startswith("net.sockets.tcpclient") else Found()


_TABLES: dict[str, dict[str, Effect]] = {
    "javascript": _JAVASCRIPT,
    "vbscript": _VBSCRIPT,
    "python": _PYTHON,
    "php": _PHP,
    "powershell": _POWERSHELL,
}
_STARTS: dict[str, tuple[tuple[str, Effect], ...]] = {}
_ENDS = {"javascript": ((".href =", _link), (".src =", _link)), "python": _PYTHON_ENDS, "powershell": _POWERSHELL_ENDS}


# -- shells ---------------------------------------------------------------------------------------------------------------


def _of_shell_command(made: Made, language: str) -> Found:
    if language == "powershell":
        name = powershell.canonical(made.name)
        effect = _POWERSHELL.get(name)
        if effect is not None:
            return effect(
                Made(name, made.args, made.named, made.piped, made.targets, made.span, made.where, made.hidden)
            )
        found = programs.of_command(made.name, made.args)
        if "\\" in made.name or made.name.endswith(".exe"):
            found.acts.append(Act(Kind.RUN, made.name, path=made.name))
        return found
    name, args = (made.name, list(made.args)) if language == "batch" else shell.bare_command(made.name, made.args)
    line = operators.to_text(made.named.get("line", "")) if language == "batch" else ""
    found = programs.of_command(name, args, line)
    if language == "shell":
        found = _of_unix(made, name, args, found)
    elif "\\" in name or name.endswith((".exe", ".vbs", ".js", ".ps1")):
        found.acts.append(Act(Kind.RUN, line or name, path=name))
    for how, where in made.targets:
        path = operators.to_text(where)
        if how in {">", ">>", "&>"}:
            found.acts += write(0, 1)(
                Made(
                    name,
                    (
                        path,
                        made.piped
                        if made.piped is not None
                        else operators.joined(args, " ")
                        if name == "echo"
                        else None,
                    ),
                    where=made.where,
                )
            ).acts
            if programs.logs(path) and name in {":", "true", "cat", ""}:
                found.acts.append(Act(Kind.UNLOG, f"{name} > {path}"))
    return found


_READERS = {"sh", "bash", "dash", "zsh", "ksh", "ash"}
_OTHERS = {"python": "python", "python2": "python", "python3": "python", "perl": "", "php": "php", "node": "javascript"}


def _of_unix(made: Made, name: str, args: list[Value], found: Found) -> Found:  # noqa: PLR0912
    if name in {"eval", "source", "."} and args:
        value = operators.joined(args, " ", "shell") if name == "eval" else args[0]
        if name == "eval" or "net" in origins(value):
            how = origins(value)
            if how & (_FOLDS | {"net"}) or (isinstance(value, str) and HOLE not in value):
                found = Found(
                    [
                        *found.acts,
                        *of_code(value if HOLE not in operators.to_text(value) else Thing("", how), "shell", made).acts,
                    ],
                    of_code(value, "shell", made).layers,
                )
    if (
        (name in _READERS or name in _OTHERS)
        and made.piped is not None
        and not any(isinstance(one, str) and not one.startswith("-") for one in args)
    ):
        value = made.piped
        how = origins(value)
        found.acts.append(Act(Kind.EVALUATE, f"… | {name}", value, origins=how))
        language = "shell" if name in _READERS else _OTHERS[name]
        if isinstance(value, str) and HOLE not in value and language:
            found.layers.append(Layer(language, value.encode("utf-8", "replace"), how))
    for at, one in enumerate(args):
        if name in _READERS and one == "-c" and at + 1 < len(args) and "net" in origins(args[at + 1]):
            found.acts.append(Act(Kind.EVALUATE, f"{name} -c", args[at + 1], origins=origins(args[at + 1])))
    if name in _READERS and any(
        operators.to_text(where).startswith(("/dev/tcp/", "/dev/udp/")) for _, where in made.targets
    ):
        found.acts.append(
            Act(
                Kind.SHELL,
                f"{made.name} {' '.join(map(operators.to_text, args))} > {operators.to_text(made.targets[0][1])}",
            )
        )
    if (
        name in {"nc", "ncat", "netcat", "telnet", "openssl"}
        and isinstance(made.piped, Thing)
        and made.piped.path.split("(")[0].rpartition("/")[2] in _READERS
    ):
        found.acts.append(Act(Kind.SHELL, f"{made.piped.path} | {name}"))
    if name in {"tee", "cp", "install", "mv", "ln"}:
        path = operators.to_text(args[-1]) if args else ""
        if programs.start_place(path) and name != "install":
            found.acts.append(Act(Kind.PERSIST, f"{name} {path}"))
    if name == "unset" and any(operators.to_text(one) in {"HISTFILE", "HISTSIZE"} for one in args):
        found.acts.append(Act(Kind.UNLOG, "unset HISTFILE"))
    if "/" in made.name and not made.name.startswith(("/usr/", "/bin/", "/sbin/", "/lib/", "/etc/init.d/")):
        found.acts.append(Act(Kind.RUN, made.name, path=made.name))
    return found
