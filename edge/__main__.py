"""`python -m edge` is `checkout-age`."""

import sys

from edge.cli import main

if __name__ == "__main__":
    sys.exit(main())
