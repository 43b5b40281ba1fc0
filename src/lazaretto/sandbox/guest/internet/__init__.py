"""The internet that is not there: every name resolves, every port answers, everything is written down.

Runs in the guest's tools root as `python3 -m internet` (this folder is copied to /opt/lazaretto/internet),
next to the sample's network namespace and never in it. Standard library and python3-cryptography only;
nothing here may import the rest of lazaretto, which does not exist in the guest. `messages` and `channel` are
what the host reads.
"""
