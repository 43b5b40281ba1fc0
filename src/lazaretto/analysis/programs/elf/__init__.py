"""Sides of an ELF file, each a module with a function from `Elf` to outputs."""
