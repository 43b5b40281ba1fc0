"""From the guest's raw material to the account: records and messages in, a `Trace` out. Pure: no I/O, no clock.

`build.Account` is the way in. It owns one object for each thing an account speaks of (processes, files, registry,
memory, calls, network, ...); each takes records of its kinds and puts drafts of events into one `journal.Journal`,
which orders them at the end. Nothing here trusts what it is given: every table is bounded, every text is cleaned,
and what cannot be read is counted as lost.
"""
