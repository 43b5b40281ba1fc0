# Makes a Debian with Wine into the computer of a person who uses Windows 10 22H2. Run inside the root, as root, without
# network. /build: windows (what src/ compiled to), persona/windows (the user's folder), profile (this folder).
set -eu
USER_NAME=$(sed -n 's/^user = "\(.*\)"/\1/p' /build/profile/profile.toml | head -n 1)
HOST_NAME=$(sed -n 's/^hostname = "\(.*\)"/\1/p' /build/profile/profile.toml | head -n 1)
HOME_DIR=/home/$USER_NAME
PREFIX=$HOME_DIR/.wine
C=$PREFIX/drive_c
OUR=/build/windows
WINE_DIRS="/usr/lib/x86_64-linux-gnu/wine /usr/lib/i386-linux-gnu/wine /usr/lib/wine"

as_user() {
    setpriv --reuid 1000 --regid 1000 --clear-groups env -i HOME="$HOME_DIR" USER="$USER_NAME" LOGNAME="$USER_NAME" \
        PATH=/usr/lib/wine:/usr/bin:/bin OEM_DEBUG=-all "$@"
}

# --- the Linux below --------------------------------------------------------------------------------------------------

echo "$USER_NAME:x:1000:1000::$HOME_DIR:/bin/sh" >> /etc/passwd
echo "$USER_NAME:x:1000:" >> /etc/group
echo "$HOST_NAME" > /etc/hostname
printf '127.0.0.1\tlocalhost %s\n' "$HOST_NAME" > /etc/hosts
mkdir -p "$HOME_DIR" /run/xfb /tmp/.X11-unix
chmod 1777 /tmp /tmp/.X11-unix
chmod 700 /run/xfb
chown 1000:1000 "$HOME_DIR" /run/xfb
# One authority is trusted, the pretended internet's: Wine reads all that are there at every first use.
if [ -f /build/certificates/ca.pem ]; then
    rm -rf /etc/ssl/certs /usr/share/ca-certificates
    mkdir -p /etc/ssl/certs
    cp /build/certificates/ca.pem /etc/ssl/certs/ca-certificates.crt
    cp /build/certificates/ca.pem /etc/ssl/certs/ca.pem
    openssl rehash /etc/ssl/certs
fi

# The size of the machine; $LIB is the linker's word for lib/x86_64-linux-gnu or lib/i386-linux-gnu.
install -m 644 $OUR/64/libmachine.so /usr/lib/x86_64-linux-gnu/libmachine.so
install -m 644 $OUR/32/libmachine.so /usr/lib/i386-linux-gnu/libmachine.so

# --- Mono -------------------------------------------------------------------------------------------------------------

install -m 755 $OUR/dotnet /usr/lib/dotnet/dotnet
# Paths of drive C as Mono sees them when the letter is gone.
for name in users windows ProgramData "Program Files" "Program Files (x86)"; do ln -s "$C/$name" "/$name"; done
# Programs that an assembly starts by name.
mkdir -p /usr/lib/dotnet/bin
for name in cmd powershell schtasks reg net vssadmin wmic taskkill tasklist netsh sc bcdedit wevtutil icacls attrib certutil whoami \
    systeminfo ipconfig ping explorer notepad rundll32 regsvr32 mshta wscript cscript msiexec shutdown; do
    printf '#!/bin/sh\nexec /usr/lib/wine/wine64 %s.exe "$@"\n' "$name" > "/usr/lib/dotnet/bin/$name"
    chmod 755 "/usr/lib/dotnet/bin/$name"
    ln -s "$name" "/usr/lib/dotnet/bin/$name.exe"
done
# Compiled ahead where nothing is traced (files/usr/lib/dotnet/trace): code that is compiled ahead cannot be.
rm -rf /usr/lib/mono/aot-cache
for name in System.Core System.Xml System.Configuration System.Drawing Mono.Security; do
    for file in /usr/lib/mono/gac/"$name"/4*/"$name".dll; do mono --aot -O=all "$file" > /dev/null 2>&1 || echo "not compiled ahead: $name"; done
done

# --- Wine's files -----------------------------------------------------------------------------------------------------

$OUR/repaint /build/profile/relay.txt $WINE_DIRS
# Processes that are always in the list (the names inside other files are changed by repaint).
for dir in /usr/lib/*/wine/*-windows; do
    for pair in winedevice:SgrmBroker plugplay:WUDFHost; do
        if [ -f "$dir/${pair%:*}.exe" ]; then mv "$dir/${pair%:*}.exe" "$dir/${pair#*:}.exe"; fi
    done
done
sh -eu /build/profile/inf.sh /usr/share/wine/wine.inf

# --- the Windows installation -----------------------------------------------------------------------------------------

# One wineboot for both widths; .NET and the HTML engine are not asked to install themselves.
as_user WINEDLLOVERRIDES="mscoree=d;mshtml=d;winemenubuilder.exe=d" wine64 wineboot -i
as_user wineserver64 -w

# Files of the prefix that equal Wine's own become one file with it: half the size, and one copy in memory.
for pair in "x86_64-linux-gnu/wine/x86_64-windows system32" "i386-linux-gnu/wine/i386-windows syswow64"; do
    set -- $pair
    for file in /usr/lib/$1/*; do
        name=${file##*/}
        for there in "$C/windows/$2/$name" "$C/windows/$2/drivers/$name" "$C/windows/$name"; do
            if [ -f "$there" ] && cmp -s "$file" "$there"; then ln -f "$file" "$there"; fi
        done
    done
done
# Linux's root is no drive of this machine.
rm -f "$PREFIX"/dosdevices/*
ln -s ../drive_c "$PREFIX/dosdevices/c:"

sh -eu /build/profile/furnish.sh "$C" "$USER_NAME" "$OUR"

# --- registry ---------------------------------------------------------------------------------------------------------

mkdir -p "$C/windows/temp"
import() {
    # As UTF-16: only there regedit takes REG_EXPAND_SZ and REG_MULTI_SZ for wide text.
    { printf '\377\376'; sed -e "s/@USER@/$USER_NAME/g" -e "s/@HOST@/$HOST_NAME/g" "$@" | iconv -f UTF-8 -t UTF-16LE; } \
        > "$C/windows/temp/import.reg"
    as_user wine64 'C:\windows\regedit.exe' /S 'C:\windows\temp\import.reg'
}
for file in /build/profile/registry/*.reg; do
    import "$file"
    # What stands in both views of the registry.
    case $file in *-both.reg) import -e 's/MACHINE\\Software/MACHINE\\Software\\Wow6432Node/' "$file" ;; esac
done
rm -f "$C/windows/temp/import.reg"
as_user wineserver64 -k
as_user wineserver64 -w
# What registration left in words that are nobody's but Wine's.
sed -i -e 's/Wine OLE DB/OLE DB/' -e 's/WINE OLE DB/Microsoft OLE DB/' -e 's/WINEDB/MSDAOB/g' -e 's/"IWine/"IMs/' \
    -e 's/UIA_wine_private/UIA_core_private/' "$PREFIX/system.reg"
sed -i -e 's#https\?://www.winehq.org#https://www.msn.com#' "$PREFIX/user.reg"
chown -R 1000:1000 "$HOME_DIR"
# Last, since it would be loaded into all that runs here.
echo '/usr/$LIB/libmachine.so' > /etc/ld.so.preload
