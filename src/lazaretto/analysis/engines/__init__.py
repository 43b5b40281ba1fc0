"""Engines: one module each, one way of looking at a file. `analysis/engine.py` says what a module must have."""
