"""Indicators: names in a file by which others can look for the same."""
