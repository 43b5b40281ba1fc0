"""Names in a file by which others can look for the same: addresses of every kind, and the texts they stand in."""
