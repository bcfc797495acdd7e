"""Make sure the tests have a Chromium, and print where it is.

As root on a Debian-like system it comes as the system's package, with a font to draw text with;
elsewhere Playwright fetches its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests import browser_path


def install() -> None:
    """Install a Chromium; raises `CalledProcessError` when that fails."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)
        packages = ["chromium", "fonts-dejavu-core"]
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=True, env=quiet
        )
        return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def main() -> int:
    """Find or install; return 1 when there is still none."""
    given = os.environ.get("MATRIX_CHROMIUM")
    found = browser_path.find()
    if found is None and given:
        print(f"MATRIX_CHROMIUM={given} is not a program; correct or unset it", file=sys.stderr)
        return 1
    if found is None:
        try:
            install()
        except subprocess.CalledProcessError as error:
            print(f"a Chromium could not be installed ({error}); set MATRIX_CHROMIUM to one", file=sys.stderr)
            return 1
        found = browser_path.find()
    if found is None:
        print("no Chromium was found after installing it; set MATRIX_CHROMIUM to one", file=sys.stderr)
        return 1
    print(f"Chromium: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
