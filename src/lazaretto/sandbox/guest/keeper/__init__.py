"""The first process of the guest, and what it needs to prepare the sample's world and to bring home what is left.

Runs in the guest's tools root as `python3 -m keeper` (this folder is copied to /opt/lazaretto/keeper). Standard library
only; nothing here may import the rest of lazaretto, which does not exist in the guest.
"""
