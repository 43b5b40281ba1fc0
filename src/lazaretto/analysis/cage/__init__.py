"""The cage in which everything that reads a sample's bytes runs.

    host (any threads) ── Job, descriptors ──> warden ──> room ── fork ──> confined child ── outputs ──> memory file
                       <── Ended ─────────────────────────┘

The warden is a Python process in a bubblewrap sandbox without network that sees only the system's and its own
libraries, read-only. It keeps a room for each engine: a process that imports what this engine needs and never touches
a sample. For each job a room forks a child, which gives up everything (an empty read-only root, no privileges, a user
of nobody, no system calls but those of a computation, bounded memory and time) and only then reads the sample. What
must always be true: a child that crashes, hangs or is taken over costs its own engine's outputs and nothing else, and
what it wrote is read as hostile input.
"""
