"""What belongs to Windows: its programs, its libraries, makers whose programs are always signed.

Names of a system and of makers, not of malware: what an impostor copies.
"""

from __future__ import annotations

import re

# Programs that people and tools expect to see running, so that their names are worth copying.
SYSTEM_PROGRAMS = frozenset({
    "svchost", "lsass", "csrss", "smss", "services", "wininit", "winlogon", "spoolsv", "taskhostw", "taskhost",
    "dllhost", "conhost", "rundll32", "regsvr32", "explorer", "runtimebroker", "sihost", "ctfmon", "dwm",
    "fontdrvhost", "searchindexer", "audiodg", "userinit", "wuauclt", "lsm", "mmc", "msiexec", "wmiprvse", "sppsvc",
    "taskmgr", "iexplore", "werfault", "wscript", "cscript", "powershell", "cmd",
})  # fmt: skip

# Tools of Windows that run what they are given: renamed, they run it under another name.
HOST_TOOLS = frozenset({
    "cmd.exe", "powershell.exe", "pwsh.dll", "wscript.exe", "cscript.exe", "mshta.exe", "rundll32.exe",
    "regsvr32.exe", "msbuild.exe", "installutil.exe", "regasm.exe", "regsvcs.exe", "certutil.exe", "bitsadmin.exe",
    "wmic.exe", "cmstp.exe", "odbcconf.exe", "psexec.c", "autoit3.exe",
})  # fmt: skip

# Libraries of Windows that programs load by name from their own folder first.
SYSTEM_LIBRARIES = frozenset({
    "version", "winmm", "dbghelp", "dbgcore", "userenv", "uxtheme", "cryptbase", "cryptsp", "dwmapi", "wtsapi32",
    "msimg32", "profapi", "propsys", "secur32", "sspicli", "winhttp", "wininet", "iphlpapi", "netapi32", "mpr",
    "wlbsctrl", "tsmsisrv", "bcrypt", "credui", "dnsapi", "mscoree", "msvcp140", "vcruntime140", "oleacc",
    "powrprof", "rasapi32", "samcli", "srvcli", "wkscli", "netutils", "logoncli", "fltlib", "ntmarta", "wer",
    "xmllite", "msasn1", "devobj", "dxgi", "d3d9", "d3d11", "dinput8", "dsound", "opengl32", "hid", "wsock32",
    "ws2_32", "rtutils", "linkinfo", "ncrypt", "mswsock", "wldp", "edputil", "duser", "textshaping",
    "windowscodecs",
})  # fmt: skip

# Makers that sign each program file that they publish; how they call themselves in version information.
SIGNING_MAKERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(rf"^{pattern}\b", re.IGNORECASE))
    for name, pattern in (
        ("Google", r"google(?: llc| inc\.?)?"),
        ("Adobe", r"adobe(?: inc\.?| systems)?"),
        ("Mozilla", r"mozilla(?: corporation| foundation)"),
        ("Apple", r"apple(?: inc\.?| computer)"),
        ("Oracle", r"oracle(?: corporation| america)"),
        ("Zoom", r"zoom video communications"),
        ("Cisco", r"cisco systems"),
        ("VMware", r"vmware,? inc"),
        ("Citrix", r"citrix systems"),
        ("TeamViewer", r"teamviewer"),
        ("Dropbox", r"dropbox,? inc"),
        ("Valve", r"valve corp"),
        ("NVIDIA", r"nvidia corp"),
        ("Intel", r"intel(?:\(r\))? corporation"),
        ("ESET", r"eset(?:,|\b)"),
        ("Kaspersky", r"(?:ao )?kaspersky"),
        ("Symantec", r"symantec corp"),
        ("McAfee", r"mcafee,? (?:inc|llc)"),
        ("Avast", r"avast software"),
        ("Sophos", r"sophos (?:limited|ltd)"),
        ("Bitdefender", r"bitdefender"),
        ("DocuSign", r"docusign"),
        ("Slack", r"slack technologies"),
    )
)
MICROSOFT = re.compile(r"^microsoft\b", re.IGNORECASE)


def maker(company: str) -> str:
    """Which of the makers that always sign a company name claims to be; empty if none."""
    company = company.strip()
    if MICROSOFT.match(company):
        return "Microsoft"
    return next((name for name, pattern in SIGNING_MAKERS if pattern.match(company)), "")


def stem(name: str) -> str:
    """A file name without folder and extension, lower case."""
    bare = re.split(r"[\\/]", name)[-1].strip().lower()
    return bare.rpartition(".")[0] or bare


# Characters that look like a letter of the Latin alphabet; what each stands for.
_ALIKE = str.maketrans({
    "0": "o", "1": "l", "|": "l", "5": "s", "3": "e", "4": "a", "@": "a", "$": "s",
    "а": "a", "е": "e", "о": "o", "р": "p", "с": "c", "х": "x", "у": "y", "ѕ": "s", "і": "i", "ӏ": "l", "ո": "n",
    "ο": "o", "α": "a", "ν": "v", "ι": "i", "ԁ": "d", "ɡ": "g", "ł": "l", "ı": "i", "ѵ": "v", "һ": "h", "ԝ": "w",
})  # fmt: skip


def looks_like(name: str) -> str:
    """The program of Windows whose name this one imitates without being it; empty if none.

    Only what is meant to be misread: characters that look alike, two letters changed round, one doubled or left out in
    the middle of a long name.
    """
    own = stem(name)
    if own in SYSTEM_PROGRAMS or len(own) < 4 or len(own) > 24:
        return ""
    for system in sorted(SYSTEM_PROGRAMS):
        if len(system) >= 5 and (_alike(own, system) or _turned(own, system) or _doubled(own, system)):
            return system
        if len(system) >= 6 and _left_out(own, system):
            return system
    return ""


def _alike(own: str, system: str) -> bool:
    shown = own.translate(_ALIKE).replace("rn", "m").replace("vv", "w")
    folded = system.translate(_ALIKE).replace("rn", "m").replace("vv", "w")
    same = shown.replace("i", "l") == folded.replace("i", "l")
    return same and own != system


def _turned(own: str, system: str) -> bool:
    """Two neighbouring letters changed round."""
    if len(own) != len(system):
        return False
    places = [place for place in range(len(own)) if own[place] != system[place]]
    return (
        len(places) == 2
        and places[1] == places[0] + 1
        and own[places[0]] == system[places[1]]
        and (own[places[1]] == system[places[0]])
    )


def _doubled(own: str, system: str) -> bool:
    """One letter written twice."""
    return len(own) == len(system) + 1 and any(
        own[place] == own[place + 1] and own[:place] + own[place + 1 :] == system for place in range(len(own) - 1)
    )


def _left_out(own: str, system: str) -> bool:
    """One letter is missing, neither the first nor the last."""
    return len(own) + 1 == len(system) and any(
        system[:place] + system[place + 1 :] == own for place in range(1, len(system) - 1)
    )
