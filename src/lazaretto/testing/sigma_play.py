"""Rules and accounts written in the tests."""

from __future__ import annotations

import textwrap
from typing import Any

from lazaretto.analysis.behaviours.rehearse import trace_of
from lazaretto.analysis.sigma import Sigma
from lazaretto.analysis.sigma.loading import compiled
from lazaretto.analysis.sigma.model import Refusal
from lazaretto.domain.evidence import Evidence

START = {"kind": "process.start", "process": 2, "parent": 1, "image": "C:\\windows\\system32\\tool.exe"}


def rules(*texts: str) -> Sigma:
    """The rules of these files."""
    files = [(f"rule{number}.yml", textwrap.dedent(text).encode()) for number, text in enumerate(texts)]
    return Sigma(compiled(files), "test")


def rule(
    detection: str, *, category: str = "process_creation", product: str = "windows", more: str = "", source: str = ""
) -> str:
    """A rule of one detection, written as YAML with its condition."""
    logsource = source or f"{{category: {category}, product: {product}}}"
    indented = textwrap.indent(textwrap.dedent(detection), "  ")
    return f"title: A rule\nlogsource: {logsource}\n{more}\ndetection:\n{indented}"


def found(text: str, *events: dict[str, Any], platform: str = "windows", **trace: Any) -> list[Evidence]:
    """What one rule finds in an account; fails where the rule is refused."""
    sigma = rules(text)
    assert sigma.refused == (), sigma.refused
    account, sample = trace_of({"events": events, **trace}, platform)
    findings = sigma.match(account, sample)
    assert findings.unfinished == ()
    return list(findings.evidence)


def fits(detection: str, value: str, *, field: str = "command_line", **how: Any) -> bool:
    """Whether a rule finds one program start with this value."""
    return bool(found(rule(detection, **how), {**START, field: value}))


def refused(text: str) -> Refusal:
    """Why the only rule is not used."""
    sigma = rules(text)
    assert not sigma.rules, "the rule is used"
    assert len(sigma.refused) == 1
    return sigma.refused[0]
