# Puts the user's files, programs and stand-ins into drive C.   furnish.sh DRIVE_C USER COMPILED
C=$1 USER_NAME=$2 OUR=$3
HOME_C="$C/users/$USER_NAME"

# --- the user ---------------------------------------------------------------------------------------------------------
# Wine links the user's folders to those of the Linux home: here they are folders.
find "$HOME_C" -type l -delete
mkdir -p "$HOME_C/AppData/Local/Temp" "$HOME_C/Downloads"
if [ -d /build/persona/windows ]; then cp -a /build/persona/windows/. "$HOME_C/"; fi
rm -rf "$HOME_C/Temp"

# --- our programs -----------------------------------------------------------------------------------------------------
S="$C/windows/system32"
cp "$OUR/64/sihost.exe" "$S/sihost.exe"
for name in winlogon csrss dwm taskhostw RuntimeBroker SearchIndexer ctfmon smss wininit lsass fontdrvhost; do
    cp "$OUR/64/idle.exe" "$S/$name.exe"
done
mkdir -p "$C/Program Files/Windows Defender"
cp "$OUR/64/idle.exe" "$C/Program Files/Windows Defender/MsMpEng.exe"

# --- programs that only Wine has --------------------------------------------------------------------------------------
for dir in "$S" "$C/windows/syswow64"; do
    for name in winecfg winedbg winemine winefile winepath wineconsole winemenubuilder winebrowser winemsibuilder winhlp32 \
        icinfo view cabarc clock progman dplaysvr; do
        rm -f "$dir/$name.exe"
    done
done
