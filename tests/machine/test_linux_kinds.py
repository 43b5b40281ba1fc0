"""Each kind of file that the Linux guest starts: it runs, says so, leaves a file, and its end is seen."""

from __future__ import annotations

import pytest

from lazaretto.domain.trace import Cause, Ending
from lazaretto.testing.programs import MACHINES

pytestmark = pytest.mark.machine("linux")

MARK = "/tmp/mark"
SCRIPTS = {
    "sh": f"echo ran; echo content > {MARK}; exit 5",
    "bash": f"declare -A a=([x]=ran); echo ${{a[x]}}; echo content > {MARK}; exit 5",
    "python": f"import sys\nprint('ran')\nopen({MARK!r}, 'w').write('content\\n')\nsys.exit(5)",
    "perl": f"print \"ran\\n\"; open(F, '>', '{MARK}'); print F \"content\\n\"; close(F); exit 5;",
    "node": f"console.log('ran'); require('fs').writeFileSync('{MARK}', 'content\\n'); process.exitCode = 5;",
    "php": f'<?php echo "ran\\n"; file_put_contents(\'{MARK}\', "content\\n"); exit(5);',
}
JAVA = f"""
public class Main {{
    public static void main(String[] words) throws Exception {{
        System.out.println("ran");
        java.nio.file.Files.writeString(java.nio.file.Path.of("{MARK}"), "content\\n");
        System.exit(5);
    }}
}}
"""
FREESTANDING = f'void program(void) {{ say("ran\\n"); put("{MARK}", "content\\n"); quit(5); }}'


def ran(observed):
    """It ran, and the account says what it did in the order in which it did it."""
    assert observed.ending is Ending.EXITED, observed.story()
    assert observed.trace.lost.total == 0
    assert "ran\n" in observed.console
    assert observed.dropped(MARK) == b"content\n"
    write = observed.one("file.write", path=MARK)
    assert write.size == 8
    assert write.head == b"content\n"
    assert observed.order("process.start", "file.create", "file.write", "process.exit")
    sample = observed.trace.processes[observed.one("process.start").process]
    assert sample.cause is Cause.SAMPLE
    assert sample.exit_code == 5
    return sample


@pytest.mark.parametrize("kind", SCRIPTS)
def test_script(linux, programs, kind):
    sample = ran(linux(programs.file("sample.txt", SCRIPTS[kind]), kind))
    assert "/root/Downloads/sample.txt" in sample.command_line


def test_jar(linux, programs):
    assert ran(linux(programs.jar(JAVA), "jar")).command_line.endswith("-jar /root/Downloads/sample.jar")


@pytest.mark.parametrize("machine", MACHINES)
def test_program_for(linux, programs, machine):
    observed = linux(programs.freestanding(FREESTANDING, machine), "elf", machine=machine)
    sample = ran(observed)
    assert sample.image == f"/root/Downloads/sample-{machine}"
    # an emulator makes code by its nature, and reads what it needs: that is not the sample's doing
    assert not observed.events("memory.executable")
    assert not observed.events("module.load")


def test_package(linux, programs):
    scripts = {"preinst": "#!/bin/sh\necho before\n", "postinst": "#!/bin/sh\necho configured > /etc/tool.conf\n"}
    observed = linux(programs.deb("tool", scripts, {"/usr/bin/tool": f"#!/bin/sh\necho content > {MARK}\n"}), "deb")
    assert observed.ending is Ending.EXITED
    assert "before" in observed.console
    assert observed.dropped("/etc/tool.conf") == b"configured\n"
    # what the package brings is tried, since a user would
    assert observed.dropped(MARK) == b"content\n"
    assert observed.one("file.write", path="/etc/tool.conf").id < observed.one("file.write", path=MARK).id
    assert (
        "postinst" in observed.trace.processes[observed.one("file.write", path="/etc/tool.conf").process].command_line
    )
