"""What the page reads: its session, the whole picture, the journal, and the one live socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from starlette.responses import FileResponse, Response

from app.access import csrf_token
from app.desk_link import DeskLink
from app.gate import session_token
from app.live import Json, Live, Viewer
from domain.errors import NotFoundError

STATIC = Path(__file__).parent / "static"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_SEARCH_LIMIT = 50
_MOST_CAUSES = 20
_EFFECTS_WITHIN = 200


def read_router(link: DeskLink, live: Live, cookie: str) -> APIRouter:
    """Return the reading routes; all need a session, which the gate in front has checked."""
    router = APIRouter()

    @router.get("/api/session")
    async def session(request: Request) -> Json:
        """Return the value that this session's writes must carry."""
        return {"csrf": csrf_token(session_token(request.scope, cookie))}

    @router.get("/api/picture")
    async def picture() -> Json:
        """Return what the live socket sends first."""
        return live.picture()

    @router.get("/api/proposals")
    async def proposals() -> Json:
        """Return the pending cards, from the desk itself."""
        return await link.read("/proposals", state="pending")

    @router.get("/api/proposals/{proposal_id}")
    async def proposal(proposal_id: str) -> Json:
        """Return one card, from the desk itself."""
        return await link.read(f"/proposals/{_segment(proposal_id)}")

    _add_journal(router, link)

    @router.get("/favicon.ico")
    async def favicon() -> Response:
        """Return the icon that browsers ask for by themselves."""
        return _static("icon.svg")

    @router.get("/static/{name}")
    async def static(name: str) -> Response:
        """Return one of the page's own files."""
        return _static(name)

    @router.websocket("/live")
    async def live_socket(socket: WebSocket) -> None:
        """Send the picture, then every change; what a page sends is not read."""
        await socket.accept()
        viewer = live.join()
        try:
            await _feed(socket, viewer)
        finally:
            live.leave(viewer)

    return router


def _add_journal(router: APIRouter, link: DeskLink) -> None:
    @router.get("/api/journal/search")
    async def search(text: str = "", kind: str = "", symbol: str = "") -> Json:
        """Return journal records, newest first."""
        return await link.read(
            "/journal/search",
            text=text or None,
            kind=kind or None,
            symbol=symbol or None,
            limit=_SEARCH_LIMIT,
        )

    @router.get("/api/journal/records/{record_id}")
    async def record(record_id: str) -> Json:
        """Return one receipt."""
        return await link.read(f"/journal/records/{_segment(record_id)}")

    @router.get("/api/journal/records/{record_id}/chain")
    async def chain(record_id: str) -> Json:
        """Return what led to a record, first cause first, and what it led to."""
        return await _chain(link, _segment(record_id))


async def _chain(link: DeskLink, record_id: str) -> Json:
    record = await link.read(f"/journal/records/{record_id}")
    after = await link.read("/journal/tail", after_seq=record["seq"], limit=_EFFECTS_WITHIN)
    effects = [item for item in after["records"] if item["cause"] == record_id]
    causes: list[Json] = []
    while record["cause"] and len(causes) < _MOST_CAUSES:
        record = await link.read(f"/journal/records/{_segment(record['cause'])}")
        causes.insert(0, record)
    return {
        "causes": [_told(item) for item in causes],
        "effects": [_told(item) for item in effects],
        "looked_at": len(after["records"]),
    }


def _told(record: Json) -> Json:
    return {key: record[key] for key in ("id", "ts", "kind", "summary")}


def _segment(text: str) -> str:
    """Return `text` if it is one plain path segment."""
    if not text.replace("-", "").isalnum() or not text.isascii() or len(text) > 64:
        raise NotFoundError(
            "NO_SUCH_ID", "that is not an id of this desk", "Copy the id from a card or a record."
        )
    return text


def _static(name: str) -> Response:
    path = STATIC / name
    kind = _TYPES.get(path.suffix)
    if kind is None or path.parent != STATIC or not path.is_file():
        raise NotFoundError("NOT_FOUND", "there is no such file", "Reload the page.")
    return FileResponse(path, media_type=kind, headers={"cache-control": "no-cache"})


async def _feed(socket: WebSocket, viewer: Viewer) -> None:
    sender = asyncio.create_task(_send(socket, viewer))
    reader = asyncio.create_task(_until_closed(socket))
    done, waiting = await asyncio.wait({sender, reader}, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*done, *waiting, return_exceptions=True)


async def _send(socket: WebSocket, viewer: Viewer) -> None:
    while (message := await viewer.next_message()) is not None:
        await socket.send_text(message)
    await socket.close(1013, "too slow; connect again")


async def _until_closed(socket: WebSocket) -> None:
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        return
