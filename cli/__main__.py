"""`python -m cli` is the `matrix` command; the supervisor starts its children this way."""

from __future__ import annotations

import sys

from cli.main import main

if __name__ == "__main__":
    sys.exit(main())
