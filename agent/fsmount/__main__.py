"""`python -m fsmount`, for a checkout; the bundle has a launcher of its own."""

import sys

from .cli import main

sys.exit(main(sys.argv[1:]))
