"""The server: ports, start and stop, event streams, signals and limits."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from domain.errors import BadInputError, UnreachableError
from loopback.serve import HEADER_LIMIT, bind, serving

ROOT = Path(__file__).resolve().parents[2]


def plain_app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def index() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/slow")
    async def slow() -> dict[str, bool]:
        await asyncio.sleep(0.4)
        return {"ok": True}

    @app.get("/events")
    async def events() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            while True:
                yield "event: tick\ndata: {}\n\n"
                await asyncio.sleep(30)

        return StreamingResponse(parts(), media_type="text/event-stream")

    return app


def test_bind_takes_a_free_loopback_port() -> None:
    with bind() as sock:
        host, port = sock.getsockname()
        assert host == "127.0.0.1"
        assert port > 0


def test_taken_port_says_so_with_the_cure() -> None:
    with bind() as sock:
        port = sock.getsockname()[1]
        with pytest.raises(BadInputError) as caught:
            bind(port)
    assert caught.value.code == "PORT_TAKEN"
    assert str(port) in caught.value.message
    assert "--port" in caught.value.cure


@pytest.mark.parametrize("port", [-1, 70_000])
def test_impossible_port_is_refused(port: int) -> None:
    with pytest.raises(BadInputError) as caught:
        bind(port)
    assert caught.value.code == "PORT_REFUSED"


async def test_serving_answers_and_stops() -> None:
    async with serving(plain_app()) as url, httpx.AsyncClient() as client:
        assert (await client.get(url)).json() == {"ok": True}
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


async def test_port_is_free_again_after_serving() -> None:
    async with serving(plain_app()) as url:
        port = int(url.rsplit(":", 1)[1])
    with bind(port) as again:
        assert again.getsockname()[1] == port


async def test_open_event_stream_does_not_hold_the_stop_up() -> None:
    async with httpx.AsyncClient() as client:
        async with serving(plain_app()) as url:
            request = client.build_request("GET", f"{url}/events")
            response = await client.send(request, stream=True)
            lines = response.aiter_lines()
            assert await anext(lines) == "event: tick"
            begin = time.monotonic()
        assert time.monotonic() - begin < 1.5
        assert [line async for line in lines if line.startswith("event")] == []
        await response.aclose()


async def test_running_request_is_finished_before_the_stop() -> None:
    async with httpx.AsyncClient() as client:
        async with serving(plain_app()) as url:
            task = asyncio.create_task(client.get(f"{url}/slow"))
            await asyncio.sleep(0.1)
        assert (await task).json() == {"ok": True}


async def test_failed_start_is_an_error_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await open_database()
        yield

    async def open_database() -> None:
        raise RuntimeError("no database")

    with caplog.at_level(logging.CRITICAL), pytest.raises(UnreachableError) as caught:
        async with serving(FastAPI(lifespan=lifespan)):
            pass
    assert caught.value.code == "START_FAILED"


async def test_lifespan_is_run_around_serving() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        seen.append("up")
        yield
        seen.append("down")

    async with serving(FastAPI(lifespan=lifespan)):
        assert seen == ["up"]
    assert seen == ["up", "down"]


async def test_endless_headers_are_cut_off() -> None:
    async with serving(plain_app()) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * (HEADER_LIMIT + 70_000))
        answer = await asyncio.wait_for(reader.read(100), 5)
        writer.close()
    assert answer == b"" or b" 431 " in answer or b" 400 " in answer


PROGRAM = """
import sys
from fastapi import FastAPI
from loopback.serve import bind, run
sock = bind()
port = sock.getsockname()[1]
run(FastAPI(), sock, on_ready=lambda: print(port, flush=True))
print("last record", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_run_and_lets_the_caller_finish(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        assert httpx.get(f"http://127.0.0.1:{port}/nothing").status_code == 404
        os.kill(child.pid, number)
        out, err = child.communicate(timeout=20)
    assert out == "last record\n"
    assert err == ""
    assert child.returncode == 0
