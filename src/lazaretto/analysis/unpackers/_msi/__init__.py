"""Windows installer packages: a database in a compound file."""
