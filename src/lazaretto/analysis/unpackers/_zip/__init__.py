"""ZIP: its directory, its ciphers, its methods of packing, and the opening of it all."""
