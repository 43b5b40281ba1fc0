"""Engines outside: programs of others that are asked over a socket or started beside, where somebody set them up.

The host hands them a sample's bytes and reads a bounded answer in their own language; it never parses the sample. One
that is not set up is named in the report as not set up; one that does not answer costs its own finding and no more.
"""
