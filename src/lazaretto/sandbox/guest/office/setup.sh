# Makes the bare root a desk in use. Runs inside the root, without network; /build has what was compiled, the persona's
# files, the certificates and this profile.
set -e
user=$(ls /build/persona/home)
first=$(sed -n 's/^\tname = \([^ ]*\).*/\1/p' "/build/persona/home/$user/.gitconfig")
last=$(sed -n 's/^\tname = [^ ]* //p' "/build/persona/home/$user/.gitconfig")

useradd --uid 1000 --user-group --shell /bin/bash --comment "$first $last,,," "$user"
cp -a /build/persona/. /
echo rotterdam-pc12 >/etc/hostname
printf '127.0.0.1\tlocalhost\n127.0.1.1\trotterdam-pc12\n' >/etc/hosts
echo 2b7e151628aed2a6abf7158809cf4f3c >/etc/machine-id

# --- the office --------------------------------------------------------------------------------------------------------
settings=/home/$user/.config/libreoffice/4/user
mkdir -p "$settings"
sed "s/@FIRST@/$first/; s/@LAST@/$last/" /build/profile/settings.xcu >"$settings/registrymodifications.xcu"
chown -R 1000:1000 "/home/$user"
chown -R 0:0 /root
chmod 750 "/home/$user"
# The first start sets up the user's folder and ends; what is started in the session is the second.
setpriv --reuid=1000 --regid=1000 --clear-groups env HOME="/home/$user" SAL_USE_VCLPLUGIN=svp timeout 120 \
	/usr/lib/libreoffice/program/soffice --headless --norestore --convert-to txt --outdir /tmp /build/profile/warm/warm.html >/dev/null 2>&1 || true
rm -rf /tmp/*
install -m 755 /build/office/open /usr/bin/soffice.open
mv /usr/bin/soffice.open /usr/bin/soffice
for name in libreoffice lowriter localc loimpress; do ln -sf soffice /usr/bin/$name; done
ln -sf /usr/lib/office/open-url /usr/bin/xdg-open
install -d /usr/lib/office/warm
cp /build/profile/warm/*.docm /build/profile/warm/*.xlsm /build/profile/warm/*.odt /usr/lib/office/warm/ 2>/dev/null || true
cp /build/profile/warm/warm.html /usr/lib/office/warm.html
find "/home/$user/Documents" -name '*.pdf' | sort | head -n 1 | while read -r file; do cp "$file" /usr/lib/office/warm.pdf; done
find "/home/$user/Documents" -name '*.pptx' | sort | head -n 1 | while read -r file; do cp "$file" /usr/lib/office/warm/; done
chmod -R a+rX /usr/lib/office

# --- programs of Windows -----------------------------------------------------------------------------------------------
install -d /usr/lib/win/bin
install -m 755 /build/office/standin /usr/lib/win/bin/program.exe
sed -n 's/^"\/usr\/lib\/win\/bin\/\(.*\)" = .*/\1/p' /build/profile/profile.toml | while read -r name; do
	[ "$name" = program.exe ] || ln -f /usr/lib/win/bin/program.exe "/usr/lib/win/bin/$name"
done
python3 -m compileall -q /usr/lib/win /usr/lib/office /usr/lib/python3/dist-packages/oleautomation
drive=/home/$user/.wine/drive_c
mkdir -p "$drive/Windows/System32" "$drive/Windows/Temp" "$drive/ProgramData" "$drive/Program Files/Microsoft Office" \
	"$drive/Users/Public/Documents" "$drive/Users/$user/AppData/Local/Temp" "$drive/Users/$user/AppData/Roaming/Microsoft/Templates" \
	"$drive/Users/$user/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup"
for name in Desktop Documents Downloads Pictures; do ln -s "/home/$user/$name" "$drive/Users/$user/$name"; done
chown -R -h 1000:1000 "/home/$user/.wine"

# --- trust -------------------------------------------------------------------------------------------------------------
for file in /build/certificates/*; do
	if grep -q 'BEGIN CERTIFICATE' "$file" && ! grep -q 'PRIVATE KEY' "$file"; then
		cp "$file" "/usr/local/share/ca-certificates/$(basename "${file%.*}").crt"
	fi
done
update-ca-certificates
