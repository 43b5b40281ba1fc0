"""`python3 -m keeper`."""

from .keeper import main

main()
