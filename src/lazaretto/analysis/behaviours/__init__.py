"""Behaviours: rules as data over the typed events of a trace. See `docs/judging.md`.

`catalogue` is the way in; `rules` reads what is written, `conditions` and `patterns` are what it compiles to, `view` is
the trace as they see it, `rehearse` builds traces for a rule's own tests.
"""

from __future__ import annotations

from lazaretto.analysis.behaviours.catalogue import Catalogue, Findings, load
from lazaretto.analysis.behaviours.view import SampleFacts
from lazaretto.analysis.rulefiles import default_folder

__all__ = ["Catalogue", "Findings", "SampleFacts", "default_folder", "load"]
