"""What the account must know of the machine that was watched: written when a guest image is built, kept beside it.

It says what a path *is on that machine*: a library that the loader reads for every program, a stand-in, a decoy. Names
are taken from here, never from what a sample calls itself.

Patterns of paths are Linux paths of the guest in one of three forms: ending in "/" for everything below a directory,
with `*` or `?` for a glob over the whole path (`*` crosses "/"), else one exact path.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

import msgspec


class Drive(msgspec.Struct, frozen=True, kw_only=True):
    """A directory of the guest and the Windows path by which Windows programs know it. The longest root wins."""

    root: str  # /home/USER/.wine/drive_c
    windows: str  # C:  (no trailing backslash)


class MachineProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A process that runs before the sample is started."""

    image: str
    pid: int = 0  # outer; 0 = not known
    windows_pid: int = 0
    user: str = ""


class GuestManifest(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one guest image that interpretation needs. All patterns as the module's text says."""

    profile: str = ""
    users: dict[str, str] = {}  # uid in decimal -> name as the guest shows it (anna, DESKTOP-7Q\anna)
    drives: tuple[Drive, ...] = ()
    user_sid: str = ""  # S-1-5-21-...-1000: the registry root of the user
    loaders: tuple[str, ...] = ()  # Wine's loaders: the program is the argument after them
    builtin: tuple[str, ...] = ()  # Wine's own DLLs and programs: calls from there are not the program's
    noise: tuple[str, ...] = ()  # read (or looked for) by loaders and runtimes for every program
    scratch: tuple[str, ...] = ()  # files of Wine's server that every Windows program writes through shared memory
    host_files: tuple[str, ...] = ()  # what the program that opens documents keeps and reads for itself
    helpers: tuple[str, ...] = ()  # programs that the machine starts beside others by itself: conhost
    noise_keys: tuple[str, ...] = ()  # registry keys (HKLM\...) that are queried for every program; below them too
    own_keys: tuple[str, ...] = ()  # registry keys that Wine's own libraries set in every program
    own_objects: tuple[
        str, ...
    ] = ()  # named objects that Wine's own libraries make in every program (\\BaseNamedObjects\\...)
    jit: tuple[str, ...] = ()  # programs that make code at run time by their nature: node, java, mono
    emulators: tuple[str, ...] = ()  # run programs for another CPU: the program is their first argument
    canaries: dict[str, str] = {}  # pattern -> which decoy
    standins: dict[str, str] = {}  # pattern of the stand-in's path -> the program it stands for
    programs: dict[str, str] = {}  # real programs of the machine whose arguments matter: crontab, systemctl, reg
    own_programs: tuple[str, ...] = ()  # scripts that stand for programs of the machine: how they do it is theirs
    executors: tuple[str, ...] = ()  # what those scripts start through one of these is what they were asked for
    hidden_environment: tuple[str, ...] = ()  # prefixes of environment variables that the machine's parts pass along
    resolvers: tuple[str, ...] = ()  # addresses of the guest's name servers
    processes: tuple[MachineProcess, ...] = ()


class PathSet:
    """A set of paths given by patterns; `in` is the question."""

    def __init__(self, patterns: Iterable[str], *, ignore_case: bool = False) -> None:
        self._fold = ignore_case
        exact, prefixes, globs = set(), [], []
        for pattern in (p.casefold() if ignore_case else p for p in patterns):
            if any(char in pattern for char in "*?["):
                globs.append(fnmatch.translate(pattern))
            elif pattern.endswith("/"):
                prefixes.append(pattern)
                exact.add(pattern[:-1])
            else:
                exact.add(pattern)
        self._exact = frozenset(exact)
        self._prefixes = tuple(prefixes)
        self._globs = re.compile("|".join(globs)) if globs else None

    def __contains__(self, path: str) -> bool:
        if self._fold:
            path = path.casefold()
        return (
            path in self._exact
            or path.startswith(self._prefixes)
            or (self._globs is not None and self._globs.match(path) is not None)
        )


class PathTable:
    """Patterns with a name each: machine parts, decoys, stand-ins. An exact path comes before a pattern that fits."""

    def __init__(self, table: dict[str, str], *, ignore_case: bool = False) -> None:
        self._fold = ignore_case
        self._exact: dict[str, str] = {}
        self._names: list[str] = []
        globs = []
        for pattern, name in table.items():
            folded = pattern.casefold() if ignore_case else pattern
            if any(char in folded for char in "*?["):
                globs.append(f"({fnmatch.translate(folded)})")
                self._names.append(name)
            elif folded.endswith("/"):
                globs.append(f"({fnmatch.translate(folded + '*')})")
                self._names.append(name)
            else:
                self._exact[folded] = name
        self._globs = re.compile("|".join(globs)) if globs else None

    def get(self, path: str) -> str:
        """The name, or "" if no pattern fits."""
        if self._fold:
            path = path.casefold()
        name = self._exact.get(path)
        if name is not None or self._globs is None:
            return name or ""
        found = self._globs.match(path)
        return self._names[found.lastindex - 1] if found is not None and found.lastindex else ""


# What a Debian 12 guest has, whatever else its profile adds.

_LIBRARY_NOISE = (
    "/lib/", "/lib32/", "/lib64/", "/libx32/", "/usr/lib/", "/usr/lib32/", "/usr/lib64/", "/usr/libx32/",
    "/usr/local/lib/", "/usr/libexec/",
    "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d/",
    "/usr/share/locale/", "/usr/share/locale-langpack/", "/usr/share/i18n/", "/usr/share/zoneinfo/", "/etc/localtime",
    "/etc/timezone", "/usr/share/fonts/", "/usr/share/fontconfig/", "/var/cache/fontconfig/", "/etc/fonts/",
    "*/.cache/fontconfig/*", "/usr/share/icons/", "/usr/share/themes/", "/usr/share/mime/", "/usr/share/X11/",
    "/etc/nsswitch.conf", "/etc/host.conf", "/etc/resolv.conf", "/etc/gai.conf", "/etc/ssl/openssl.cnf",
    "/etc/locale.alias", "/etc/alternatives/", "/etc/terminfo/", "/usr/share/terminfo/", "/etc/inputrc",
    "/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/random", "/dev/urandom", "/dev/pts/",
    "/dev/shm/",  # noqa: S108 - a path of the guest
    "/proc/self/", "/proc/filesystems", "/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/ngroups_max",
    "/sys/devices/system/cpu/", "/sys/kernel/mm/transparent_hugepage/", "pipe:*", "socket:*", "anon_inode:*",
    "/memfd:*",
    "/run/nscd/", "/var/run/nscd/", "/run/dbus/", "/run/systemd/journal/", "/run/user/*/bus",
)  # fmt: skip

_INTERPRETER_NOISE = (
    "/usr/share/perl/", "/usr/share/perl5/", "/etc/perl/", "/usr/local/share/perl/", "/usr/share/python3/",
    "/etc/python3/",
    "/etc/python3.11/", "/usr/share/nodejs/", "/usr/share/node_modules/", "/etc/php/", "/usr/share/php/",
    "/usr/share/java/",
    "/etc/java-17-openjdk/", "/etc/mono/", "/usr/share/mono/", "/usr/share/libreoffice/", "/etc/libreoffice/",
    "/usr/share/liblangtag/", "/usr/share/hunspell/", "/usr/share/hyphen/", "/usr/share/mythes/",
    "/usr/share/glib-2.0/",
    "/usr/share/gvfs/", "/usr/share/poppler/", "/usr/share/drirc.d/", "/etc/drirc", "/usr/share/wine/",
)  # fmt: skip

_WINE_NOISE = (
    "*/.wine/dosdevices/*", "*/.wine/system.reg", "*/.wine/user.reg", "*/.wine/userdef.reg",
    "*/.wine/.update-timestamp",
    "*/drive_c", "*/drive_c/windows", "*/drive_c/windows/system", "*/drive_c/windows/system32",
    "*/drive_c/windows/syswow64",
    "*/drive_c/windows/*/wbem", "*/drive_c/windows/*/WindowsPowerShell/v1.0",
    "*/drive_c/windows/resources/*", "*/.Xdefaults*", "*/.XCompose",
    "*/.icons/*", "/usr/share/pixmaps/*", "*/INetCache/*/desktop.ini", "*/History/desktop.ini",
    "*/drive_c/windows/[Ff]onts", "*/drive_c/windows/[Ff]onts/*",
    "*/drive_c/windows/globalization/*", "*/drive_c/windows/winsxs/*",
    "*/drive_c/windows/inf/*", "*/.wine", "*/.wine/dosdevices", "*/.wine/wineserver", "/run/user/", "/proc/stat",
    "/proc/*/stat",
    "/proc/*/status", "/proc/*/task/*", "*/bin/ntlm_auth", "/home/*/.fontconfig/*", "*/fonts/.uuid", "socket",
    "/tmp/wine-*",  # noqa: S108 - read in the guest
    "/tmp/.wine-*", "/tmp/.X11-unix/*", "*/.Xauthority",  # noqa: S108 - read in the guest
)  # fmt: skip

_SCRATCH = (
    "/dev/zero",
    "/proc/*/task/*/comm",  # names of threads
    "*/Microsoft/Windows/*/index.dat",
    "*/drive_c/users/*/INetCache*/index.dat",
    "/tmp/.wine-*/server-*/tmpmap-*",  # noqa: S108 - a path of the guest
    "/tmp/wine-*/server-*/tmpmap-*",  # noqa: S108 - a path of the guest
    "/run/user/*/wine/server-*/tmpmap-*",
)

_HELPERS = ("*/drive_c/windows/system32/conhost.exe", "*/drive_c/windows/syswow64/conhost.exe")

# What Wine's own libraries ask the registry while a program starts, recorded from an empty program.
_WINE_KEYS = (
    "HKLM\\System\\CurrentControlSet\\Control\\Session Manager", "HKLM\\System\\CurrentControlSet\\Control\\Windows",
    "HKLM\\System\\CurrentControlSet\\Control\\ComputerName", "HKLM\\System\\CurrentControlSet\\Control\\Nls",
    "HKLM\\System\\CurrentControlSet\\Control\\ProductOptions",
    "HKLM\\System\\CurrentControlSet\\Control\\TimeZoneInformation",
    "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Time Zones",
    "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList",
    "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Image File Execution Options",
    "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Fonts",
    "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\FontLink",
    "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\FontSubstitutes",
    "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Gre_Initialize",
    "HKLM\\Software\\Wine", "HKCU\\Software\\Wine", "HKCU\\Environment", "HKCU\\Volatile Environment", "HKCU", "HKLM",
    "HKCU\\Control Panel\\International",
    # what a window needs
    "HKCU\\Control Panel\\Colors", "HKCU\\Control Panel\\Desktop\\WindowMetrics",
    "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\ThemeManager",
    "HKLM\\System\\CurrentControlSet\\Control\\Video",
    "HKLM\\System\\CurrentControlSet\\Hardware Profiles\\Current", "HKLM\\HARDWARE\\DEVICEMAP\\VIDEO",
    "HKLM\\System\\CurrentControlSet\\Control\\Keyboard Layouts", "HKLM\\System\\CurrentControlSet\\Control\\FontAssoc",
    "HKCU\\Keyboard Layout\\Preload", "HKLM\\System\\CurrentControlSet\\Enum\\DISPLAY",
    "HKCU\\Control Panel\\Desktop\\UserPreferencesMask",
    "HKLM\\System\\CurrentControlSet\\Enum\\", "HKLM\\Software\\Classes\\",  # only these themselves
    # how a class is found
    "HKLM\\Software\\Classes\\CLSID", "HKLM\\Software\\Classes\\Interface", "HKLM\\Software\\Classes\\TypeLib",
    "HKLM\\Software\\Classes\\Wow6432Node\\CLSID", "HKLM\\Software\\Classes\\JScript",
    "HKLM\\Software\\Classes\\VBScript",
)  # fmt: skip

# Also the devices of the display, which the first window of every program registers anew.
_WINE_SETS = (
    "HKLM\\System\\CurrentControlSet\\Control\\TimeZoneInformation", "HKCU\\Keyboard Layout\\Preload",
    # where the libraries of the network keep pages, written anew in every program
    "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\Shell Folders\\Cache",
    "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\Shell Folders\\Cookies",
    "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\Shell Folders\\History",
    "HKLM\\System\\CurrentControlSet\\Control\\Video", "HKLM\\System\\CurrentControlSet\\Hardware Profiles\\Current",
    "HKLM\\HARDWARE\\DEVICEMAP\\VIDEO", "HKLM\\System\\CurrentControlSet\\Enum\\DISPLAY",
    "HKLM\\System\\CurrentControlSet\\Enum\\PCI\\VEN_8086&DEV_3E92&SUBSYS_00000000&REV_00",
    "HKLM\\System\\CurrentControlSet\\Control\\Class\\{4D36E96E-E325-11CE-BFC1-08002BE10318}",
    "HKLM\\System\\CurrentControlSet\\Control\\Class\\{4D36E968-E325-11CE-BFC1-08002BE10318}",
    "HKLM\\System\\CurrentControlSet\\Control\\DeviceClasses\\{E6F07B5F-EE97-4A90-B076-33F57BF4EAA7}",
    "HKLM\\System\\CurrentControlSet\\Control\\DeviceClasses\\{5B45201D-F2F2-4F3B-85BB-30FF1F953599}",
    "HKLM\\System\\CurrentControlSet\\Control\\DeviceClasses\\{1CA05180-A699-450A-9A0C-DE4FBE3DDD89}",
)  # fmt: skip

_WINE_OBJECTS = (
    "\\BaseNamedObjects\\__WINE_*", "\\Sessions\\*\\BaseNamedObjects\\__WINE_*",
    "\\Sessions\\*\\BaseNamedObjects\\__wine_*",
    "\\Sessions\\*\\BaseNamedObjects\\display_device_init", "DBWinMutex",
    "c:!users!*!inetcache!*", "c:!users!*!history!*", "c:!users!*!inetcookies!*", "c:!users!*!cookies!*",
)  # fmt: skip

_LOADERS = (
    "/usr/bin/wine*", "/usr/lib/wine/wine*", "/usr/lib/*/wine/wine*", "/usr/lib/*/wine/*-unix/wine*",
    "/opt/wine*/bin/wine*",
)  # fmt: skip

_BUILTIN = (
    "*/drive_c/windows/system32/*", "*/drive_c/windows/syswow64/*", "/usr/lib/*/wine/*", "/usr/lib/wine/*",
    "/opt/wine*/lib*", "/lib/", "/lib64/",
    "/usr/lib/",
)  # fmt: skip

_EMULATORS = ("/usr/bin/qemu-*", "/usr/lib/qemu/*", "/guest/usr/lib/qemu/*")

_JIT = (
    *_EMULATORS,
    "/usr/bin/node", "/usr/bin/nodejs", "/usr/bin/mono*", "/usr/lib/jvm/*", "/usr/bin/php*",
    "/usr/bin/cli", "/usr/lib/libreoffice/*",
)  # fmt: skip

_PROGRAMS = {
    "/usr/bin/crontab": "crontab", "/usr/bin/at": "at", "/usr/bin/batch": "at", "/bin/systemctl": "systemctl",
    "/usr/bin/systemctl": "systemctl", "/usr/sbin/update-rc.d": "update-rc.d", "/usr/sbin/useradd": "useradd",
    "/usr/sbin/usermod": "usermod", "/usr/sbin/chpasswd": "chpasswd", "/usr/bin/chattr": "chattr",
    "/usr/sbin/iptables": "iptables",
    "/usr/sbin/xtables-*": "iptables", "/usr/sbin/nft": "nft", "/usr/sbin/setenforce": "setenforce",
}  # fmt: skip

_OWN_PROGRAMS = (
    "/usr/bin/systemctl", "/bin/systemctl", "/usr/bin/systemd-run", "/usr/bin/hostnamectl", "/usr/bin/journalctl",
    "/usr/lib/init/rc",
)  # fmt: skip
_EXECUTORS = ("/usr/lib/systemd/systemd-executor", "/lib/systemd/systemd-executor")

_WINDOWS_PROGRAMS = (
    "reg", "sc", "net", "net1", "schtasks", "at", "vssadmin", "wmic", "bcdedit", "wbadmin", "wevtutil", "netsh",
    "powershell",
    "pwsh", "taskkill", "icacls", "cacls", "takeown", "attrib", "fsutil", "cipher", "certutil", "bitsadmin",
    "diskshadow",
    "auditpol", "shutdown", "reagentc", "whoami", "systeminfo", "tasklist", "ipconfig", "nltest", "mshta", "rundll32",
    "regsvr32",
    "cscript", "wscript",
)  # fmt: skip


def debian_manifest(
    profile: str, user: str = "user", user_sid: str = "", resolvers: Iterable[str] = ()
) -> GuestManifest:
    """The facts that hold for every guest made from Debian 12, to which an image's own are added.

    Windows system programs are named as `programs`: an image build moves those that it replaced to `standins`.
    """
    home = f"/home/{user}"
    drive_c = f"{home}/.wine/drive_c"
    programs = dict(_PROGRAMS)
    if profile == "windows":
        for name in _WINDOWS_PROGRAMS:
            programs[f"*/drive_c/windows/*/{name}.exe"] = name
    return GuestManifest(
        profile=profile,
        users={"0": "root", "1000": user},
        drives=(Drive(root=drive_c, windows="C:"), Drive(root="/", windows="Z:")) if profile == "windows" else (),
        user_sid=user_sid,
        loaders=_LOADERS,
        builtin=_BUILTIN,
        noise=_LIBRARY_NOISE + _INTERPRETER_NOISE + (_WINE_NOISE if profile == "windows" else ()),
        scratch=_SCRATCH if profile == "windows" else (),
        helpers=_HELPERS if profile == "windows" else (),
        noise_keys=_WINE_KEYS if profile == "windows" else (),
        own_keys=_WINE_SETS if profile == "windows" else (),
        own_objects=_WINE_OBJECTS if profile == "windows" else (),
        jit=_JIT,
        emulators=_EMULATORS,
        programs=programs,
        own_programs=_OWN_PROGRAMS,
        executors=_EXECUTORS,
        hidden_environment=("WINE", "LAZARETTO"),
        resolvers=tuple(resolvers),
    )
