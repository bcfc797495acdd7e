"""A whole `matrix up` on a home of its own, for the benchmarks that need all processes."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from loopback.serve import bind


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What runs: the printed address, the home, and the process ids by name."""

    url: str
    home: Path

    def pids(self) -> dict[str, int]:
        """Return the children's process ids as the supervisor wrote them."""
        written = json.loads((self.home / "run" / "up.json").read_text(encoding="utf-8"))
        return dict(written["children"])


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with contextlib.closing(bind()) as sock:
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def house(home: Path, *options: str) -> Iterator[House]:
    """Run `matrix up` until the block ends; raises `RuntimeError` with what it said if it does not start."""
    command = [sys.executable, "-m", "cli", "--home", str(home), "--json", "up", "--port", str(free_port())]
    log = home.with_name(f"{home.name}.log")
    with log.open("wb") as said:
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=said)
    assert process.stdout is not None, "started with a pipe"
    try:
        line = json.loads(process.stdout.readline() or "{}")
        if "url" not in line:
            raise RuntimeError(f"matrix up did not start: {line} {log.read_text(encoding='utf-8')}")
        yield House(url=line["url"], home=home)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def page(url: str) -> bytes:
    """Open the one-time address as a browser does and return the page behind it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("localhost", parts.port, timeout=30)
    try:
        path, cookie = f"{parts.path or '/'}?{parts.query}", ""
        for _ in range(4):
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            reply = connection.getresponse()
            body = reply.read()
            cookie = (reply.getheader("Set-Cookie") or cookie).split(";")[0]
            if reply.status == 200:
                return body
            path = reply.getheader("Location") or path
        raise RuntimeError(f"the page answered {reply.status}")
    finally:
        connection.close()
