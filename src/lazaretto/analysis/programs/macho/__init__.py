"""What the engine for Mach-O reads of one program."""
