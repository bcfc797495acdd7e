"""Wiring of the app process: the guard, the session gate, our routes, and Gradio's page behind them.

The socket answers at once; Gradio (slow to import) and the conversations open in the background, and until
then the page says that it is starting. A page that is there is a page that works.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from app import landing
from app.access import SESSION_LIFE, Door
from app.chat import ChatRoom, chat_router
from app.desk_link import DeskLink
from app.follow import Follower
from app.gate import PAGE_HEADERS, SessionGate, cookie_name, is_a_person, session_token
from app.live import Json, Live
from app.page import UI_PATH
from app.person_routes import PersonLine, person_router
from app.read_routes import read_router
from desk.client import DeskClient
from domain.clock import Clock, SystemClock
from domain.errors import (
    BadInputError,
    ConflictError,
    ExpiredError,
    LockedError,
    MatrixError,
    NotFoundError,
    UnreachableError,
)
from domain.ids import IdSource
from loopback.files import private_dir, write_private
from loopback.guard import AsgiApp, RequestGuard
from loopback.serve import bind, run

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from agent_graph.conversations import Conversations

log = logging.getLogger(__name__)

DEFAULT_PORT = 8420
STATUS: tuple[tuple[type[MatrixError], int], ...] = (
    (BadInputError, 400),
    (NotFoundError, 404),
    (ConflictError, 409),
    (ExpiredError, 410),
    (LockedError, 423),
    (UnreachableError, 503),
    (MatrixError, 502),
)

OpenTalk = Callable[[DeskClient], Awaitable["Conversations"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The app: `guarded` is what a socket serves; `routes` is inside, for a test that walks its routes."""

    guarded: AsgiApp
    routes: FastAPI
    live: Live


class _Readiness:
    """Whether Gradio's page is mounted."""

    def __init__(self) -> None:
        self.page = False


def build(*, home: Path, port: int, open_talk: OpenTalk, clock: Clock) -> Built:
    """Build the app for the home and the port that its socket has; nothing is opened before it starts."""
    live, ready, link, line = Live(clock), _Readiness(), DeskLink(home), PersonLine(home)
    room, door, cookie = ChatRoom(live, clock), Door(home, clock), cookie_name(port)
    follower = Follower(link, live, room)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Run the background tasks for as long as the app serves."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(link.close)
            stack.push_async_callback(line.close)
            stack.push_async_callback(room.close)
            tasks = [
                asyncio.create_task(follower.run(), name="follow the desk"),
                asyncio.create_task(
                    _open_rest(app=app, stack=stack, ready=ready, room=room, opened=lambda: open_talk(link)),
                    name="open the rest",
                ),
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(_front_router(door, cookie, ready, live))
    app.include_router(read_router(link, live, cookie))
    app.include_router(person_router(line, follower.take_proposal))
    app.include_router(chat_router(room))
    app.add_exception_handler(MatrixError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_no_route)
    hosts = frozenset({f"localhost:{port}", f"127.0.0.1:{port}"})
    guarded = RequestGuard(SessionGate(app, door, cookie), lambda: hosts, PAGE_HEADERS)
    return Built(guarded=guarded, routes=app, live=live)


def _front_router(door: Door, cookie: str, ready: _Readiness, live: Live) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> Json:
        """Say that the app is alive, and how far it has come."""
        return {"ok": True, "pid": os.getpid(), "page": ready.page, "desk": live.desk["up"]}

    @router.api_route("/", methods=["GET", "HEAD"])
    async def front(request: Request, code: str | None = None) -> Response:
        """Redeem a code, show the page, or say how to get in."""
        if code is not None:
            return _redeem(request, door, cookie, code)
        if not door.admits(session_token(request.scope, cookie)):
            return _html(landing.way_in())
        if not ready.page:
            return _html(landing.starting("The page is starting."))
        query = request.url.query
        return RedirectResponse(f"{UI_PATH}/{'?' + query if query else ''}", 303)

    return router


def _redeem(request: Request, door: Door, cookie: str, code: str) -> Response:
    rest = urlencode([(key, value) for key, value in parse_qsl(request.url.query) if key != "code"])
    target = f"/?{rest}" if rest else "/"
    if door.admits(session_token(request.scope, cookie)):
        return RedirectResponse(target, 303)  # signed in already: the code stays good for another browser
    was_throttled = door.throttled()
    token = door.redeem(code)  # also while wrong codes are throttled: guessing must not lock the person out
    if token is None and was_throttled:
        return _html(landing.way_in("Too many wrong codes. Wait a minute, then run matrix url."), 429)
    if token is None:
        return _html(
            landing.way_in("That address was used already, or it is too old."),
            403,
        )
    reply = RedirectResponse(target, 303)
    reply.set_cookie(
        cookie, token, max_age=int(SESSION_LIFE.total_seconds()), path="/", httponly=True, samesite="strict"
    )
    return reply


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, headers={"cache-control": "no-store"})


async def _open_rest(
    *,
    app: FastAPI,
    stack: contextlib.AsyncExitStack,
    ready: _Readiness,
    room: ChatRoom,
    opened: Callable[[], Awaitable[Conversations]],
) -> None:
    """Draw the page, then open the conversations: two imports at once only slow each other."""
    try:
        await _open_page(app, stack)
        ready.page = True
        room.open(await opened())
    except Exception as error:
        log.exception("the app could not be opened completely; the page says what is missing")
        room.broke(error)
        raise


async def _open_page(app: FastAPI, stack: contextlib.AsyncExitStack) -> None:
    from app.page import draw, mount_page

    demo = await asyncio.to_thread(draw)
    inner = mount_page(app, demo)
    await stack.enter_async_context(inner.router.lifespan_context(inner))
    demo.run_startup_events()
    await demo.run_extra_startup_events()


async def _answer_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, MatrixError)
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    return JSONResponse({"error": error.as_json()}, status)


async def _answer_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [f"{'.'.join(map(str, item['loc'][1:])) or 'body'}: {item['msg']}" for item in error.errors()]
    fault = BadInputError("BAD_BODY", "; ".join(faults), "Correct it and try again.")
    return JSONResponse({"error": fault.as_json()}, 400)


async def _answer_no_route(request: Request, error: Exception) -> Response:
    """Answer what no route takes: a page for a person who navigates, the usual error for a script."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and is_a_person(request.scope):
        return _html(landing.nowhere(), 404)
    fault = NotFoundError("NO_SUCH_ROUTE", "the app has nothing at this address", "Go to the front page, /.")
    return JSONResponse({"error": fault.as_json()}, error.status_code, error.headers)


def _import_graph() -> tuple[type[Conversations], Callable[..., BaseChatModel]]:
    from agent_graph.conversations import Conversations
    from agent_graph.models import make_model

    return Conversations, make_model


def talk_opener(home: Path, clock: Clock, model_name: str | None, gemini_key: str | None) -> OpenTalk:
    """Return the function that opens the conversations of `home`; it imports the graph when called."""

    async def open_talk(desk: DeskClient) -> Conversations:
        """Import the graph in a thread, for it takes a second, and open the store."""
        opener, make_model = await asyncio.to_thread(_import_graph)
        private_dir(home / "state")
        return await opener.open(
            db_path=home / "state" / "app.sqlite",
            desk=desk,
            model=make_model(model_name or "auto", gemini_key=gemini_key),
            clock=clock,
            ids=IdSource(clock, SystemRandom()),
        )

    return open_talk


def main(
    *, home: Path, port: int = DEFAULT_PORT, model_name: str | None = None, gemini_key: str | None = None
) -> int:
    """Serve the page of `home` until SIGTERM or SIGINT; returns 0.

    Raises `BadInputError("PORT_TAKEN", …)` when the port is in use. Writes `run/app.json` when it answers.
    """
    clock = SystemClock()
    sock = bind(port)
    own = int(sock.getsockname()[1])
    opener = talk_opener(home, clock, model_name, gemini_key)
    built = build(home=home, port=own, open_talk=opener, clock=clock)
    address = private_dir(home / "run") / "app.json"

    def on_ready() -> None:
        write_private(address, json.dumps({"url": f"http://localhost:{own}", "pid": os.getpid()}))

    try:
        run(built.guarded, sock, on_ready=on_ready)
    finally:
        address.unlink(missing_ok=True)
    return 0
