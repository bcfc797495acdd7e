"""Secret scan: no key, token or state file may be tracked. Prints each find as `path:line: what`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAKE = "not-a-secret"
"""A line that carries this word holds a made-up value on purpose."""
MADE_UP = {"tests/guardrails/test_redactor.py": "the redactor's examples have every secret's shape"}

PATTERNS = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s*(?:\\n)?[A-Za-z0-9+/=]{40}"),
    "Google API key": re.compile(r"\bAIza[0-9A-Za-z_\-]{35}\b"),
    "Google OAuth secret": re.compile(r"\bGOCSPX-[0-9A-Za-z_\-]{28}\b"),
    "exchange API key": re.compile(r"\b(?:account|master)-[0-9A-Za-z]{20}\b"),
    "cloud access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "source host token": re.compile(r"\b(?:ghp|gho|ghs|ghu|github_pat|glpat)[_-][0-9A-Za-z_\-]{20,}"),
    "chat token": re.compile(r"\bxox[abprs]-[0-9A-Za-z\-]{10,}"),
    "model API key": re.compile(r"\bsk-(?:ant-|proj-)?[0-9A-Za-z_\-]{32,}"),
    "assigned secret": re.compile(
        r"(?i)\b(?:api_?secret|secret_?key|password|passphrase|bearer)\b[\"']?\s*[:=]\s*[\"'][0-9A-Za-z+/_\-]{24,}[\"']"
    ),
}
FORBIDDEN_PATHS = re.compile(
    r"(^|/)(var|\.venv|run/tokens|__pycache__)/|(^|/)(\.env|paper-account\.json|exchange\.json)$"
    r"|\.(sqlite|sqlite-wal|sqlite-shm|pem|key|p12|pfx)$"
)


def tracked(root: Path) -> list[str]:
    """Return the paths that git tracks below `root`."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.split("\0") if name]


def finds(root: Path, names: list[str]) -> Iterator[str]:
    """Yield a line for every forbidden path and every value that looks like a secret."""
    for name in names:
        if FORBIDDEN_PATHS.search(name):
            yield f"{name}: a file like this must not be tracked"
        path = root / name
        if name in MADE_UP or path.is_symlink() or not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", errors="ignore")
        yield from (f"{name}:{line}: {what}" for line, what in _in_text(text))


def _in_text(text: str) -> Iterator[tuple[int, str]]:
    lines = text.splitlines()
    for what, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            number = text.count("\n", 0, match.start()) + 1
            if FAKE not in lines[number - 1]:
                yield number, what


def main() -> int:
    """Scan this checkout; return 1 when something was found."""
    names = tracked(ROOT)
    found = list(finds(ROOT, names))
    for line in found:
        print(line)
    print(f"{len(names)} tracked files scanned, {len(found)} finds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
