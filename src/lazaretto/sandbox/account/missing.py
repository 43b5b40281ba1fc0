"""Programs of a system that were called and that the guest does not have.

A script goes on when a command is not there, so what it asked for would be lost. Three things tell of it: the complaint
of the interpreter on the console (cmd tells the whole command, a shell of Unix the name alone), a call that should have
started the program, and the search for it in the folders of programs. Only names of programs that systems bring or that
packages of a distribution install count: a word that no system knows says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from lazaretto.domain.trace import ApiCall, Console, FileMissing
from lazaretto.sandbox.account.journal import Draft
from lazaretto.sandbox.account.text import clean, split_windows

_KEPT: Final = 4096  # characters of a stream in which a complaint may still be going on
_MAX: Final = 500  # calls of one run
_BY_CMD: Final = re.compile(r"Can't recognize '([^\n]{1,2048}?)' as an internal or external command, or batch script\.")
_BY_SHELL: Final = re.compile(r"[^\n:]{1,512}: (?:line )?\d{1,6}: ([\w.+-]{2,32}): (?:command )?not found")
_FOLDERS: Final = frozenset({"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"})
_STARTS: Final = {"CreateProcessA": 1, "CreateProcessW": 1, "WinExec": 0}  # function -> where its command line stands


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WINDOWS: Final = _names("""
    bcdboot bdeunlock bootcfg change chgport clip convert devcon diantz diskpart dism doskey driverquery dsget
    dsquery esentutl eventcreate eventvwr expand finger fltmc format ftp getmac gpresult label logman logoff
    makecab mode mountvol msg msinfo32 nbtstat netdom netdiag ntdsutil odbcconf openfiles pathping perfmon
    pktmon pnputil powercfg print psr qappsrv qprocess qwinsta rasdial recover reset robocopy rpcping runas
    rwinsta sdbinst secedit setspn shadow syskey tar tftp tpmvscmgr tree tscon tsdiscon tzutil unlodctr vaultcmd
    verifier w32tm waitfor wecutil winrm winrs winsat wsl wsmprovhost wusa
""")
_LINUX: Final = _names("""
    7z 7za aa-status apparmor_status arecord arp-scan auditctl avahi-browse btrfs crictl ctr dmidecode docker
    dumpcap ffmpeg firewall-cmd flameshot fswebcam getenforce gnome-screenshot gpg grim halt hwinfo hydra import
    init iw iwconfig iwlist kdialog kubectl ldapsearch loginctl lshw lspci lsusb lvremove lvs lxc maim masscan
    mdadm mdatp mkfs mount.cifs nbtscan netdiscover nfsstat nmap nmblookup nmcli notify-send parecord podman
    poweroff pw-record qm rar reboot resolvectl rpcclient rpcinfo rpm scrot sestatus shutdown showmount
    smbclient smbstatus snapper spectacle srm strace streamer tcpdump telinit telnet timeshift tshark ufw
    vboxmanage VBoxManage vim-cmd virsh virt-what vgremove vgs vmrun wall wipe wipefs wl-copy wl-paste wpa_cli
    xclip xdotool xev xinput xmessage xsel xwd yum zenity zfs zpool esxcli
""")


def calls(drafts: Iterable[Draft], *, windows: bool) -> Iterator[tuple[Draft, list[str], str]]:
    """What was asked for: the draft that tells it, the words of the command, the command as it was given."""
    streams: dict[str, str] = {}
    told: set[str] = set()
    for draft in drafts:
        if draft.hidden:
            continue
        for line in _asked(draft, streams, windows=windows):
            words = split_windows(line) if windows else line.split()
            if words and line not in told and len(told) < _MAX and _known(words, windows=windows):
                told.add(line)
                yield draft, words, line


def name(word: str) -> str:
    """What a program is called by, whatever folder and ending it was called with."""
    base = re.split(r"[\\/]", word)[-1]
    return re.sub(r"(?i)\.(exe|com|cmd|vbs)$", "", base)


def _known(words: Sequence[str], *, windows: bool) -> bool:
    return name(words[0]).lower() in _WINDOWS if windows else name(words[0]) in _LINUX


def _asked(draft: Draft, streams: dict[str, str], *, windows: bool) -> Iterator[str]:
    fields = draft.fields
    if draft.cls is Console and fields["stream"] == "err":
        text = (streams.get("err", "") + str(fields["text"]).replace("\r", ""))[-2 * _KEPT :]
        end = 0
        for found in (_BY_CMD if windows else _BY_SHELL).finditer(text):
            end = found.end()
            yield clean(found[1]).strip()
        streams["err"] = text[end:][-_KEPT:]
    elif windows and draft.cls is ApiCall and not draft.ok and fields["function"] in _STARTS:
        at, arguments = _STARTS[fields["function"]], fields["arguments"]
        line = arguments[at] if at < len(arguments) else ""
        yield arguments[0] if line in ("", "0x0") and arguments else line
    elif not windows and draft.cls is FileMissing:
        folder, _, base = str(fields["path"]).rpartition("/")
        if folder in _FOLDERS:
            yield base
