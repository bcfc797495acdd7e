"""Install this checkout into a virtual environment without building anything.

An editable install would fetch a build backend outside the lock. All that it
does for a pure Python project is two files, written here: a path entry and the
`matrix` command.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = """#!{python}
import sys
from cli.main import main
sys.exit(main())
"""


def link(venv: Path) -> None:
    """Write the path entry and the `matrix` command into `venv`."""
    (site,) = (venv / "lib").glob("python3.*/site-packages")
    (site / "crypto_matrix.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    command = venv / "bin" / "matrix"
    python = Path(os.path.abspath(venv / "bin" / "python"))  # noqa: PTH100 - resolve() would leave the venv
    command.write_text(COMMAND.format(python=python), encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


if __name__ == "__main__":
    link(Path(sys.argv[1]))
