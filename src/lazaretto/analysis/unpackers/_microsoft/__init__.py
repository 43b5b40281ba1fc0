"""Formats of Microsoft's that share their ways of packing: compiled help, Windows images."""
