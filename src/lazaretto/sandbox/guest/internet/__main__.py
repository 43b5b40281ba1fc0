"""`python3 -m internet`."""

import sys

from .daemon import main

sys.exit(main())
