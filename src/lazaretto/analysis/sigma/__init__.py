"""Sigma: rules that others write for the logs of a company, over the events of an account. See `docs/judging/sigma.md`.

`loading` is the way in: `reading` makes records (`model`) of YAML, `channels` says which events and fields a log source
means, `matchers` and `index` evaluate, `meaning` makes evidence of what was found.
"""

from __future__ import annotations

from lazaretto.analysis.sigma.loading import default_cache, load
from lazaretto.analysis.sigma.ruleset import Sigma

__all__ = ["Sigma", "default_cache", "load"]
