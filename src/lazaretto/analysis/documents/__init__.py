"""Formats of documents, as far as something may hide or act in them. Pure: bytes in, records out, every loop bounded.

Only engines and unpackers use this, inside the cage.
"""
