# Makes the bare root a machine in use. Runs inside the root, without network; /build has what was compiled, the
# persona's files, the certificates and this profile.
set -e
user=$(ls /build/persona/home)
name=$(sed -n 's/^\tname = //p' "/build/persona/home/$user/.gitconfig")

# --- users -------------------------------------------------------------------------------------------------------
useradd --uid 1000 --user-group --shell /bin/bash --comment "$name,,," --groups sudo,adm,cdrom,audio,video,plugdev "$user"
useradd --uid 1001 --user-group --shell /bin/bash --create-home --comment "Deployment,,," deploy
printf 'root:%s\n%s:%s\ndeploy:%s\n' T0wnhall-91 "$user" Sommer2023 deploy2021 | chpasswd
cp -a /build/persona/. /
chown -R 1000:1000 "/home/$user"
chown -R 0:0 /root
chmod 700 /root
chmod 750 "/home/$user"

# --- identity -----------------------------------------------------------------------------------------------------
host=rotterdam-app01
echo $host >/etc/hostname
printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s\n\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\n' $host >/etc/hosts
echo 8f2d7c1e0b5a4c3e9d6f1a2b3c4d5e6f >/etc/machine-id
mkdir -p /var/lib/dbus && ln -sf /etc/machine-id /var/lib/dbus/machine-id
printf 'UUID=4b9f9d5c-0d52-4a0f-9a39-7c1f0f3f3b7e /    ext4 errors=remount-ro 0 1\nUUID=1f0c7d0e-9f6e-4d6b-8a53-0d1f5a2c7e11 none swap sw 0 0\n' >/etc/fstab
printf 'auto lo\niface lo inet loopback\n\nallow-hotplug eth0\niface eth0 inet dhcp\n' >/etc/network-interfaces.tmp
mkdir -p /etc/network/if-up.d /etc/network/interfaces.d && mv /etc/network-interfaces.tmp /etc/network/interfaces
echo 'LANG=en_US.UTF-8' >/etc/default/locale
ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime
printf 'deb http://deb.debian.org/debian bookworm main\ndeb http://security.debian.org/debian-security bookworm-security main\n' >/etc/apt/sources.list
printf '#!/bin/sh -e\nexit 0\n' >/etc/rc.local && chmod 755 /etc/rc.local

# --- programs for other processors --------------------------------------------------------------------------------
mkdir -p /usr/lib/qemu /etc/qemu-binfmt
for machine in arm armeb aarch64 mips mipsel ppc ppc64le riscv64; do
	mv "/usr/bin/qemu-$machine-static" "/usr/lib/qemu/$machine"
done
link() { [ -d "/usr/$2" ] && ln -sfn "/usr/$2" "/etc/qemu-binfmt/$1"; }
link aarch64 aarch64-linux-gnu
link mips mips-linux-gnu
link mipsel mipsel-linux-gnu
link ppc powerpc-linux-gnu
link ppc64le powerpc64le-linux-gnu
link riscv64 riscv64-linux-gnu
# Both ARM conventions look for different loaders, so one folder can have both.
mkdir -p /etc/qemu-binfmt/arm/lib
for library in /usr/arm-linux-gnueabi/lib/* /usr/arm-linux-gnueabihf/lib/*; do ln -sf "$library" /etc/qemu-binfmt/arm/lib/; done

# --- what is started -------------------------------------------------------------------------------------------------
for name in journald udevd logind; do install -m 755 /build/linux/idle /lib/systemd/systemd-$name; done
install -m 755 /build/linux/executor /lib/systemd/systemd-executor
# The machine's own jobs would be taken for something that the sample left.
rm -f /etc/cron.d/* /etc/cron.daily/*
sed -i '/run-parts/d' /etc/crontab
sed -i '/imklog/d' /etc/rsyslog.conf
printf 'PermitRootLogin yes\nPasswordAuthentication yes\nUsePAM no\n' >>/etc/ssh/sshd_config
printf '# Orders portal\nserver {\n\tlisten 80 default_server;\n\troot /var/www/html;\n\tindex index.html;\n}\n' >/etc/nginx/sites-available/default
sed -i 's/^worker_processes.*/worker_processes 1;/; s/^error_log.*/error_log \/var\/log\/nginx\/error.log;/' /etc/nginx/nginx.conf
mkdir -p /var/www/html && printf '<!doctype html><title>Orders</title><h1>Orders portal</h1><p>Please sign in.</p>\n' >/var/www/html/index.html

# --- trust -----------------------------------------------------------------------------------------------------------
if [ -d /build/certificates ]; then
	mkdir -p /usr/local/share/ca-certificates
	for file in /build/certificates/*; do
		if grep -q 'BEGIN CERTIFICATE' "$file" && ! grep -q 'PRIVATE KEY' "$file"; then
			cp "$file" "/usr/local/share/ca-certificates/$(basename "${file%.*}").crt"
		fi
	done
	update-ca-certificates # Java's own list is kept up to date by a hook of this
fi

# --- two years of logs -----------------------------------------------------------------------------------------------
python3 /build/profile/history.py "$user" "$host"
chown -R root:adm /var/log && chown -R www-data:adm /var/log/nginx

# What was there from the beginning, for the check of what comes back after a restart.
for path in /etc/systemd/system/*.wants/* /etc/rc?.d/S* /etc/init.d/* /etc/rc.local /etc/xdg/autostart/* /etc/network/if-up.d/* \
	/etc/profile /etc/profile.d/* /etc/bash.bashrc /etc/environment /etc/ld.so.preload /root/.[bp]*rc /root/.*profile /root/.bash_* \
	/home/*/.[bp]*rc /home/*/.*profile /home/*/.bash_*; do
	if [ -e "$path" ]; then echo "$path $(stat -c %Y%s "$path")"; fi
done >/usr/lib/init/rc.base
