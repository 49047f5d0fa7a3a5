"""`python -m tests.vm.have SUITE`: build that image; where the suite can no longer be had, say so plainly and end with 1."""

from __future__ import annotations

import sys

from .image import ImageUnavailable, get_image

if __name__ == "__main__":
    try:
        get_image(sys.argv[1])
    except ImageUnavailable as error:
        print(f"NOT TRIED on {sys.argv[1]}, which cannot be had here: {error}", file=sys.stderr)
        sys.exit(1)
