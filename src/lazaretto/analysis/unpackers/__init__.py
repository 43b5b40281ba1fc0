"""Unpackers: engines that open what has files or code inside, one module for each kind of container."""
