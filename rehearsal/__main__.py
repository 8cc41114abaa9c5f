"""`python3 -m rehearsal`."""

import sys

from .paths import COLLECTIONS

sys.path.insert(0, str(COLLECTIONS))  # the compiler of event files is in the collection

from .cli import main

sys.exit(main())
