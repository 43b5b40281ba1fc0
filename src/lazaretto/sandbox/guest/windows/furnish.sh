# Puts the user's files, fonts, programs and stand-ins into drive C.   furnish.sh DRIVE_C USER COMPILED
set -eu
C=$1 USER_NAME=$2 OUR=$3
HOME_C="$C/users/$USER_NAME"
S="$C/windows/system32" W="$C/windows/syswow64"

# --- the user ---------------------------------------------------------------------------------------------------------
# Wine links the user's folders to those of the Linux home: here they are folders.
find "$HOME_C" -type l -delete
mkdir -p "$HOME_C/AppData/Local/Temp" "$HOME_C/Downloads"
if [ -d /build/persona/windows ]; then cp -a /build/persona/windows/. "$HOME_C/"; fi
rm -rf "$HOME_C/Temp"

# --- fonts: under the names by which documents ask for them ----------------------------------------------------------
F=/usr/share/fonts/truetype/liberation
while read -r there here; do cp "$F/Liberation$there.ttf" "$C/windows/Fonts/$here.ttf"; done <<'END'
Sans-Regular arial
Sans-Bold arialbd
Sans-Italic ariali
Sans-BoldItalic arialbi
Serif-Regular times
Serif-Bold timesbd
Serif-Italic timesi
Serif-BoldItalic timesbi
Mono-Regular cour
Mono-Bold courbd
END

# Of Wine's own those that windows, menus and consoles are drawn with; each font costs every program time.
for name in marlett tahoma tahomabd symbol wingding ms_sans_serif; do
    if [ -f "/usr/share/wine/fonts/$name.ttf" ]; then cp "/usr/share/wine/fonts/$name.ttf" "$C/windows/Fonts/"; fi
done

# --- our programs -----------------------------------------------------------------------------------------------------
# Wine prefers its own file of the same name to the one in system32: it must go. Copies, not links: Wine's server knows a
# program that runs by its file, and would name all by the first.
replace() { # replace COMPILED NAME [SUBDIRECTORY]
    rm -f /usr/lib/*/wine/*-windows/"$2.exe"
    mkdir -p "$S/${3-}" "$W/${3-}"
    cp "$OUR/64/$1.exe" "$S/${3-}/$2.exe"
    cp "$OUR/32/$1.exe" "$W/${3-}/$2.exe"
}
program() { # program COMPILED DIRECTORY NAME
    mkdir -p "$C/$2"
    cp "$OUR/64/$1.exe" "$C/$2/$3.exe"
}
for name in wscript cscript mshta; do replace "$name" "$name"; done
for name in vssadmin bcdedit wbadmin reagentc manage-bde diskshadow schtasks at net net1 whoami quser query nltest dsquery klist \
    cmdkey tasklist taskkill systeminfo wevtutil netsh fsutil cipher icacls cacls takeown gpupdate auditpol arp route nslookup \
    tracert timeout choice where forfiles setx shutdown certutil bitsadmin curl WerFault defrag sfc chkdsk mstsc compact; do
    replace standin "$name"
done
replace standin wmic wbem
replace standin powershell WindowsPowerShell/v1.0
program standin "Program Files/PowerShell/7" pwsh
program standin "Program Files/Google/Chrome/Application" chrome
program standin "Program Files (x86)/Microsoft/Edge/Application" msedge
program standin "Program Files/Windows Defender" MpCmdRun
# .NET: the loader enters mscoree.dll, which hands the assembly to Mono.
rm -f /usr/lib/*/wine/*-windows/mscoree.dll
ln -f "$OUR/64/mscoree.dll" "$S/mscoree.dll"
ln -f "$OUR/32/mscoree.dll" "$W/mscoree.dll"
cp "$OUR/64/sihost.exe" "$S/sihost.exe"
cp "$OUR/64/sihost.exe" "$S/taskhostw.exe"
for name in winlogon csrss dwm RuntimeBroker SearchIndexer ctfmon smss wininit lsass fontdrvhost userinit logonui; do
    cp "$OUR/64/idle.exe" "$S/$name.exe"
done
program idle "Program Files/Windows Defender" MsMpEng
# Programs that the registry names as installed. They do nothing when started.
for path in "Microsoft Office/root/Office16/WINWORD" "Microsoft Office/root/Office16/EXCEL" "Microsoft Office/root/Office16/OUTLOOK" \
    "Microsoft Office/root/Office16/POWERPNT" "Mozilla Thunderbird/thunderbird" "Mozilla Firefox/firefox" "7-Zip/7zFM" "7-Zip/7z" \
    "VideoLAN/VLC/vlc" "Notepad++/notepad++" "FileZilla FTP Client/filezilla" "KeePass Password Safe 2/KeePass"; do
    program idle "Program Files/${path%/*}" "${path##*/}"
done
program idle "Program Files (x86)/Adobe/Acrobat Reader DC/Reader" AcroRd32

# --- what a used Windows has lying about ------------------------------------------------------------------------------
rmdir "$S/tasks" "$W/tasks" 2> /dev/null || true
mkdir -p "$S/Tasks/Microsoft/Windows" "$S/config" "$S/spool/drivers" "$S/winevt/Logs" "$C/windows/Prefetch" "$C/windows/Logs/CBS" \
    "$C/windows/SoftwareDistribution/Download" "$C/ProgramData/Microsoft/Windows/Start Menu/Programs/Startup" \
    "$C/ProgramData/Microsoft/Windows Defender" "$C/\$Recycle.Bin" "$C/Recovery" "$C/PerfLogs" "$C/System Volume Information"
printf 'A2C41F7E' > "$C/.windows-serial"
# Sizes without content: the file system keeps holes for nothing.
sparse() { truncate -s "$1" "$2"; }
sparse 1G "$C/pagefile.sys"; sparse 16M "$C/swapfile.sys"; sparse 3G "$C/hiberfil.sys"
for hive in SAM SECURITY SOFTWARE SYSTEM DEFAULT; do sparse 262144 "$S/config/$hive"; done
for log in Application Security System "Windows PowerShell" Setup; do sparse 20975616 "$S/winevt/Logs/$log.evtx"; done
for program in CHROME EXPLORER NOTEPAD WINWORD EXCEL OUTLOOK SVCHOST DLLHOST CONSENT RUNTIMEBROKER SEARCHINDEXER TASKHOSTW MSMPENG \
    7ZFM VLC ACRORD32 THUNDERBIRD CMD MSEDGE ONEDRIVE TEAMS; do
    hash=$(printf '%s' "$program" | cksum | cut -d' ' -f1)
    sparse $((8192 + hash % 65536)) "$C/windows/Prefetch/$program.EXE-$(printf '%08X' "$hash").pf"
done
for driver in acpi afd ahcache beep cdrom classpnp clfs disk dxgkrnl e1d68x64 fastfat fileinfo fvevol hdaudbus hdaudio i8042prt \
    igdkmd64 iastorac intelppm kbdclass kbdhid mouclass mouhid mrxsmb mssmbios msrpc mup nsiproxy ntfs null partmgr pci pdc rdyboost \
    rdpbus serial srv2 storahci storport tcpip tpm usbhub3 usbxhci volmgr volsnap wdfilter wof; do
    [ -e "$S/drivers/$driver.sys" ] || ln -f "$S/drivers/fltmgr.sys" "$S/drivers/$driver.sys"
done

# --- programs that only Wine has --------------------------------------------------------------------------------------
for dir in "$S" "$W"; do
    for name in winecfg winedbg winemine winefile winepath wineconsole winemenubuilder winebrowser winemsibuilder winhlp32 \
        icinfo view cabarc clock progman dplaysvr dpnsvr dpvsetup; do
        rm -f "$dir/$name.exe"
    done
done
rm -f "$C/windows/winhelp.exe" "$C/windows/winhlp32.exe" "$C/windows/rundll.exe"
