"""Macro sheets of Excel 4: formulas that act. Read from both formats of workbooks, and followed as far as known."""
