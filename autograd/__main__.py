"""See an expression differentiated: `python -m autograd "apple * 2 * tax" apple=100 tax=1.1`."""

import sys

from .draw.shell import main

if __name__ == "__main__":
    sys.exit(main())
