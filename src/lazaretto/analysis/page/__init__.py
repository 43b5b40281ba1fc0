"""The report as one page of HTML that needs nothing beside it: no network, no other file, no program of anybody's.

What must always be true, and what tests with a real browser hold it to:

* Everything of a sample is text. The template escapes every value, and invisible characters are spelled out before;
  a value can only be markup where this package made it.
* Nothing runs but the one script of this package, and nothing is loaded: the page's own policy (CSP) says so by hash.
* The same report gives the same bytes.
"""

from lazaretto.analysis.page.render import page, prepare

__all__ = ["page", "prepare"]
