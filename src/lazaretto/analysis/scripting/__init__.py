"""Scripts read as programs: parsed, folded, and asked what they would do.

    source ──> parser of the language ──> common statements (`ir`) ──> interpreter ──> calls with folded arguments
                                                                          └──> decoded layers ──> again

Nothing is run: only text, numbers and lists are computed, within a budget; every call that would touch the world is
written down instead (`interpreter.Made`). What such a call means is data in `effects`, and what all of them together mean
is decided in `judge`.
"""

# ruff: noqa: E501  a row of a table is one line
