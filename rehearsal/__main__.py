"""`python3 -m rehearsal`."""

import sys

from .cli import main

sys.exit(main())
