"""The app as a process of its own: it answers early, ends cleanly, and says what is wrong with its port."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from app.server import main
from domain.errors import BadInputError
from loopback.serve import bind
from tests.stack import until

RUN = (
    "import sys; from pathlib import Path; from app.server import main; main(home=Path(sys.argv[1]), port=0)"
)


async def test_the_process_answers_early_serves_its_page_and_ends_on_sigterm(home: Path) -> None:
    address = home / "run" / "app.json"
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", RUN, str(home))
    try:
        await until(address.exists, "the app wrote its address")
        url = json.loads(address.read_text())["url"]
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            first = (await client.get("/healthz")).json()
            assert first["pid"] == process.pid
            while not (await client.get("/healthz")).json()["page"]:
                assert time.monotonic() - started < 30, "the page was not drawn"
                await asyncio.sleep(0.1)
    finally:
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), 15)
    assert code == 0
    assert not address.exists()


def test_a_taken_port_is_refused_with_the_cure(home: Path) -> None:
    sock = bind()
    port = int(sock.getsockname()[1])
    try:
        with pytest.raises(BadInputError) as refusal:
            main(home=home, port=port)
    finally:
        sock.close()
    assert refusal.value.code == "PORT_TAKEN"
    assert "--port" in refusal.value.cure
