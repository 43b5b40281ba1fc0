"""How good the verdicts are, measured: `make quality` (`python -m lazaretto.testing.quality --help`).

    recall    own harmless emulations of attacks (quality/emulations/), detonated: which technique was recognised
    benign    real software and documents of this computer: how many are held for suspicious or worse
    stable    the same files again and again: one status each, and the same evidence
    robust    damaged files of every type: no engine fails, nothing hangs

`gather` fetches the documents, mails and Windows programs that a server does not have, for `benign` and `robust`.

Each measure writes one line a file into its results as it goes, so that one that was interrupted goes on where it was;
the results of another commit are not mixed in.
"""
