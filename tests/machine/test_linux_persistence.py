"""What a sample leaves so that it comes back, and that it does come back."""

from __future__ import annotations

import pytest

from lazaretto.domain.trace import Cause, Ending

pytestmark = pytest.mark.machine("linux")


def test_cron_starts_it_again(linux, programs):
    """The run goes on until the scheduler came round; its own work (PAM, logs) is not the sample's."""
    observed = linux(programs.file("cron.sh", "echo '* * * * * root touch /tmp/by-cron' > /etc/cron.d/job"), "sh")
    assert observed.ending is Ending.EXITED
    assert observed.order("file.write", "autostart", "task", "process.exit", "process.start", "file.create")
    assert observed.one("autostart").mechanism == "cron"
    assert "touch /tmp/by-cron" in observed.one("task", action="create").command
    made = observed.one("file.create", path="/tmp/by-cron")
    asked = observed.process("/bin/sh -c 'touch /tmp/by-cron'")
    assert observed.trace.processes[made.process].parent == asked.key
    assert observed.trace.processes[asked.parent].image == "/usr/sbin/cron"
    joined = [process for process in observed.trace.processes.values() if process.cause is Cause.TASK]
    assert joined
    assert not observed.events("file.read", path=lambda path: "pam" in path)
    assert not observed.events("kernel.module")
    assert not observed.events("net.raw")


def test_crontab_and_at(linux, programs):
    script = "echo '@reboot /tmp/x' | crontab -; echo 'touch /tmp/by-at' | at now + 1 minute"
    observed = linux(programs.file("tab.sh", script), "sh")
    assert observed.one("autostart", mechanism="cron", location="/var/spool/cron/crontabs/root")
    assert "@reboot /tmp/x" in observed.one("task", name="/var/spool/cron/crontabs/root").command
    assert observed.one("autostart", mechanism="at")
    assert observed.one("file.create", path="/tmp/by-at").time > observed.one("task", name="at").time


UNIT = """cat > /etc/systemd/system/updater.service <<END
[Service]
ExecStart=/bin/sh -c 'echo served > /tmp/by-unit'
[Install]
WantedBy=multi-user.target
END
systemctl enable updater.service
systemctl start updater.service
"""


def test_unit(linux, programs):
    observed = linux(programs.file("unit.sh", UNIT), "sh")
    assert observed.ending is Ending.EXITED
    assert observed.dropped("/tmp/by-unit") == b"served\n"
    assert observed.one("service", action="create", name="updater.service")
    assert observed.one("service", action="start")
    assert observed.one("autostart", mechanism="systemd", location="/etc/systemd/system/updater.service")
    assert observed.one("file.write", path="/tmp/by-unit").id > observed.one("service", action="start").id


PLACES = {
    "/etc/rc.local": "rc",
    "/etc/profile.d/x.sh": "profile",
    "/root/.bashrc": "profile",
    "/etc/ld.so.preload": "preload",
    "/etc/udev/rules.d/99-x.rules": "udev",
    "/root/.ssh/authorized_keys": "ssh",
    "/etc/modules-load.d/x.conf": "kernel-module",
    "/etc/pam.d/sshd": "pam",
    "/root/.config/autostart/x.desktop": "xdg",
    "/etc/update-motd.d/99-x": "hook",
    "/etc/init.d/x": "rc",
}


def test_places_that_start_things(linux, programs):
    lines = [f"mkdir -p $(dirname {place}); echo '# x' >> {place}" for place in PLACES]
    observed = linux(programs.file("places.sh", "\n".join(lines)), "sh")
    found = {event.location: event.mechanism for event in observed.events("autostart")}
    assert found == PLACES


def test_comes_back_after_a_restart(linux, programs):
    script = UNIT.replace("systemctl start updater.service\n", "echo 'touch /tmp/by-rc' >> /etc/rc.local\n")
    script += "sed -i '/^exit/d' /etc/rc.local; echo '@reboot touch /tmp/by-reboot' | crontab -\n"
    observed = linux(programs.file("back.sh", script), "sh", reboot=True)
    assert observed.ending.complete
    session = [process for process in observed.trace.processes.values() if process.cause is Cause.SESSION]
    assert session, observed.story()
    for path in ("/tmp/by-unit", "/tmp/by-rc", "/tmp/by-reboot"):
        assert observed.one("file.create", path=path)


def test_nothing_comes_back_of_itself(linux, programs):
    observed = linux(programs.file("plain.sh", "true"), "sh", reboot=True)
    assert observed.ending is Ending.EXITED
    assert not [process for process in observed.trace.processes.values() if process.cause is not Cause.SAMPLE], (
        observed.story()
    )
