"""The places from which a system or a session starts programs by itself. Pure tables: a place in, a mechanism out."""

from __future__ import annotations

import re
from typing import Final

_SOFTWARE = r"(hklm|hkcu|hku\\[^\\]+)\\software\\(wow6432node\\)?"
_WINDOWS = _SOFTWARE + r"microsoft\\windows\\currentversion\\"
_NT = _SOFTWARE + r"microsoft\\windows nt\\currentversion\\"
_CONTROL = r"hklm\\system\\(currentcontrolset|controlset\d+)\\"
_CLASSES = r"(hkcu|hku\\[^\\]+)\\software\\classes\\(wow6432node\\)?"
_ANY = r"[^\x00]*"

# (key, value name, mechanism), all in lower case. A value name of None: any value, or the key itself
_KEYS: Final = tuple(
    (re.compile(key), None if name is None else re.compile(name), mechanism)
    for key, name, mechanism in (
        (_WINDOWS + r"(run|runonce|runonceex(\\.*)?|runservices(once)?|policies\\explorer\\run)", _ANY, "run-key"),
        (_NT + r"winlogon(\\.*)?", "shell|userinit|taskman|system|vmapplet|notify|dllname|appsetup", "winlogon"),
        (_NT + r"image file execution options\\.+", "debugger|verifierdlls|globalflag", "image-file-execution"),
        (_NT + r"silentprocessexit\\.+", "monitorprocess", "image-file-execution"),
        (_NT + r"windows", "appinit_dlls|load|run|iconservicelib", "appinit"),
        (_NT + r"schedule\\taskcache\\(tasks|tree)\\.+", None, "task"),
        (_CONTROL + r"services\\[^\\]+", "imagepath|servicedll|failurecommand", "service"),
        (_CONTROL + r"services\\[^\\]+\\parameters", "servicedll|application", "service"),
        (_CONTROL + r"control\\session manager", "bootexecute|setupexecute|execute|s0initialcommand", "boot-execute"),
        (_CONTROL + r"control\\session manager\\(appcertdlls|knowndlls)", _ANY, "appcert"),
        (_CONTROL + r"control\\lsa(\\osconfig)?", "(authentication|security|notification) packages", "lsa"),
        (_CONTROL + r"control\\print\\(monitors|providers)\\.+", "driver|name", "print-monitor"),
        (_CONTROL + r"control\\networkprovider\\order", "providerorder", "network-provider"),
        (_CONTROL + r"control\\safeboot", "alternateshell", "safe-boot"),
        (_SOFTWARE + r"microsoft\\active setup\\installed components\\.+", "stubpath", "active-setup"),
        (_WINDOWS + r"explorer\\(user )?shell folders", "(common )?startup", "startup-folder"),
        (_WINDOWS + r"explorer\\browser helper objects\\.+", None, "browser-helper"),
        (_WINDOWS + r"shellserviceobjectdelayload", _ANY, "shell-extension"),
        (_WINDOWS + r"explorer\\(sharedtaskscheduler|shellexecutehooks)", _ANY, "shell-extension"),
        (_WINDOWS + r"group policy\\scripts\\.+", "script", "logon-script"),
        (r"(hkcu|hku\\[^\\]+)\\environment", "userinitmprlogonscript", "logon-script"),
        (r"(hkcu|hku\\[^\\]+)\\control panel\\desktop", r"scrnsave\.exe", "screensaver"),
        (_SOFTWARE + r"microsoft\\command processor", "autorun", "command-processor"),
        (_SOFTWARE + r"microsoft\\netsh", _ANY, "netsh-helper"),
        (_SOFTWARE + r"microsoft\\office test\\special\\perf", _ANY, "office-startup"),
        (_SOFTWARE + r"microsoft\\office\\[^\\]+\\[^\\]+\\options", r"open\d*", "office-startup"),
        (_CLASSES + r"clsid\\[^\\]+\\(inprocserver32|localserver32|treatas|scriptleturl)", None, "com"),
        (_SOFTWARE + r"classes\\[^\\]+\\shell\\open\\command", _ANY, "file-association"),
    )
)  # fmt: skip

_HOME = r"(/root|/home/[^/]+)"

_LINUX: Final = tuple(
    (re.compile(pattern), mechanism)
    for pattern, mechanism in (
        (r"/etc/(crontab|anacrontab|cron\.(d|hourly|daily|weekly|monthly|yearly)/.+)", "cron"),
        (r"/var/spool/(cron/(crontabs|tabs)/.+|cron/[^/]+|incron/.+)", "cron"),
        (r"/var/spool/(cron/)?at(jobs|spool)?/.+", "at"),
        (r"(/etc|/usr/lib|/lib|/run|/usr/local/lib)/systemd/(system|user)(-generators)?/.+", "systemd"),
        (_HOME + r"/(\.config|\.local/share)/systemd/user/.+", "systemd"),
        (r"/etc/(rc\.local|rc\d?\.d/.+|rcS\.d/.+|init\.d/.+|init/.+|inittab)", "rc"),
        (r"/etc/(profile|profile\.d/.+|bash\.bashrc|bashrc|zsh/.+|zshrc|environment|fish/.+)", "profile"),
        (_HOME + r"/\.(bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin"
         r"|cshrc|login|xprofile|xinitrc|xsession|xsessionrc|pam_environment|config/fish/.+)", "profile"),
        (r"/etc/ld\.so\.(preload|conf|conf\.d/.+)", "preload"),
        (r"(/etc|/lib|/usr/lib|/run)/udev/rules\.d/.+", "udev"),
        (_HOME + r"/\.config/(autostart/.+|autostart-scripts/.+|plasma-workspace/env/.+)", "xdg"),
        (r"/etc/xdg/autostart/.+", "xdg"),
        (_HOME + r"/\.ssh/(authorized_keys2?|rc)", "ssh"),
        (r"/etc/(modules|modules-load\.d/.+|modprobe\.d/.+)", "kernel-module"),
        (r"(/etc/pam\.d/.+|(/usr)?/lib/([^/]+/)?security/pam_.+)", "pam"),
        (r"/etc/(update-motd\.d|NetworkManager/dispatcher\.d|network/if-up\.d)/.+", "hook"),
        (r"/etc/(dhcp/dhclient-exit-hooks\.d|apt/apt\.conf\.d)/.+", "hook"),
        (r"(/etc|/usr/share)/dbus-1/(system-)?services/.+", "dbus"),
    )
)  # fmt: skip

_WINDOWS_FILES: Final = tuple(
    (re.compile(pattern), mechanism)
    for pattern, mechanism in (
        (r".*\\start menu\\programs\\startup\\.+", "startup-folder"),
        (r"c:\\windows\\(system32\\|syswow64\\)?tasks\\.+", "task"),
        (r"c:\\windows\\(win|system|wininit)\.ini", "ini-file"),
        (r"c:\\(autoexec\.(bat|nt)|config\.sys)", "ini-file"),
        (r".*\\microsoft\\(word\\startup|excel\\xlstart|addins)\\.+", "office-startup"),
        (r".*\\microsoft\\templates\\normal(email)?\.dot[mx]?", "office-startup"),
        (r".*\\(windowspowershell|powershell)\\(v1\.0\\)?(microsoft\.powershell_)?profile\.ps1", "profile"),
        (r"c:\\windows\\system32\\grouppolicy\\(user|machine)\\scripts\\.+", "logon-script"),
    )
)


def registry_mechanism(key: str, name: str | None) -> str:
    """Which mechanism a value of a key (as `Registry.name` gives it) belongs to, or ""."""
    key = key.casefold()
    if not key.startswith(("hklm\\", "hkcu\\", "hku\\")):
        return ""
    for pattern, names, mechanism in _KEYS:
        if pattern.fullmatch(key) and (names is None or (name is not None and names.fullmatch(name.casefold()))):
            return mechanism
    return ""


def _one_of(table: tuple[tuple[re.Pattern[str], str], ...]) -> tuple[re.Pattern[str], dict[str, str]]:
    """All patterns of a table as one; the group that matched last, the outer one, leads to the mechanism."""
    parts = [f"(?P<m{number}>{pattern.pattern})" for number, (pattern, _) in enumerate(table)]
    return re.compile("|".join(parts)), {f"m{number}": mechanism for number, (_, mechanism) in enumerate(table)}


_LINUX_ONE, _LINUX_NAMES = _one_of(_LINUX)
_WINDOWS_ONE, _WINDOWS_NAMES = _one_of(_WINDOWS_FILES)


def file_mechanism(path: str, shown: str) -> str:
    """Which mechanism a file belongs to, by its Linux path and the path that the guest's user sees; or ""."""
    if shown[1:3] == ":\\":
        found = _WINDOWS_ONE.fullmatch(shown.casefold())
        if found is not None and found.lastgroup:
            return _WINDOWS_NAMES[found.lastgroup]
    found = _LINUX_ONE.fullmatch(path)
    return _LINUX_NAMES[found.lastgroup] if found is not None and found.lastgroup else ""
