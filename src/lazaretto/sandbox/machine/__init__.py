"""Disposable machines: one QEMU process a sample, locked down, restored from a warm state, always thrown away."""
