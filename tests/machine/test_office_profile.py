"""The office guest does what every guest must, as far as a document can: it is opened by a program that stays."""

from __future__ import annotations

import pytest

from lazaretto.domain.trace import Cause, Ending
from lazaretto.testing import vba
from lazaretto.testing.profiles import Dialect, ProfileConformance

pytestmark = pytest.mark.machine("office")

SLEEP = 'Declare PtrSafe Sub Sleep Lib "kernel32" (ByVal ms As Long)\n'
EVERYTHING = f"""{SLEEP}
Sub AutoOpen()
  Dim s, x
  Open "/tmp/first" For Output As #1
  Print #1, "{Dialect.KEPT.decode()}"
  Close #1
  Name "/tmp/first" As "/tmp/second"
  Open "/tmp/gone" For Output As #1
  Print #1, "x"
  Close #1
  Kill "/tmp/gone"
  Set s = CreateObject("WScript.Shell")
  s.Run "cmd /c echo child", 0, True
  Set x = CreateObject("MSXML2.XMLHTTP")
  x.Open "POST", "{Dialect.URL}", False
  x.Send "{Dialect.BODY.decode()}"
  Sleep 560000
  Open "/tmp/late" For Output As #1
  Print #1, "late"
  Close #1
End Sub
"""
ENDLESS = f"{SLEEP}\nSub AutoOpen()\n  Do\n    Sleep 7000\n  Loop\nEnd Sub\n"
BUSY = "Sub AutoOpen()\n  Do\n  Loop\nEnd Sub\n"


class TestOffice(ProfileConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def dialect(cls, tmp_path_factory):
        folder = tmp_path_factory.mktemp("conformance")

        def document(name, source):
            path = folder / f"{name}.docm"
            path.write_bytes(vba.docm("", {"Module1": source}))
            return path

        return Dialect(
            profile="office", launch="doc", everything=document("everything", EVERYTHING),
            endless=document("endless", ENDLESS), busy=document("busy", BUSY),
            nothing=document("nothing", "Sub Unused()\nEnd Sub\n"),
            first="/tmp/first", second="/tmp/second", gone="/tmp/gone", late="/tmp/late", child="cmd /c echo child",
            exit_code=None, prints=False, pause=560.0,
        )  # fmt: skip

    def test_tree(self, dialect, observed):
        """The document's process is the office, which ran before and runs after."""
        office = observed.trace.processes[observed.one("file.create", path=dialect.first).process]
        child = observed.process(dialect.child)
        assert (office.cause, office.parent, office.exited) == (Cause.SAMPLE, 0, None)
        assert office.image == "/usr/lib/libreoffice/program/soffice.bin"
        assert (child.cause, child.parent) == (Cause.CHILD, office.key)
        assert child.exited is not None

    def test_ends_early(self, dialect, observed, guests):
        """When the document was read and nothing has happened for a while."""
        assert observed.ending is Ending.EXITED, observed.story(20)
        nothing = guests.run(dialect.nothing, dialect.profile, dialect.launch)
        assert nothing.ending is Ending.EXITED
        assert nothing.trace.guest_time < 60, nothing.story()
