"""Runs turns on the graph: from the person's message to the answer, and on when a card is settled."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from agent_graph import strict_runtime, wording
from agent_graph.events import EventHub
from agent_graph.evidence_book import EvidenceBook
from agent_graph.framing import bound
from agent_graph.journal import Recorder
from agent_graph.owner import Owner
from agent_graph.prompts import Prompt
from agent_graph.screen import Screened
from agent_graph.store import ConversationStore, OpenTurn
from agent_graph.toolbox import Toolbox
from agent_graph.turn import EventKind, Message, TurnHandle, TurnResult
from desk.client import DeskClient
from domain.clock import Clock, rfc3339
from domain.errors import MatrixError, NotFoundError
from guardrails.redactor import redact

strict_runtime.assert_strict()

from langchain_core.language_models import BaseChatModel  # noqa: E402 - the strict settings stand first
from langgraph.types import Command  # noqa: E402 - same

from agent_graph.graph import RECURSION_LIMIT, build  # noqa: E402 - same
from agent_graph.models.offline.intent import warm_up  # noqa: E402 - same
from agent_graph.models.offline.planner import OfflinePlanner  # noqa: E402 - same
from agent_graph.nodes import is_settled  # noqa: E402 - same
from agent_graph.state import TurnContext, TurnState, first_state  # noqa: E402 - same

_log = logging.getLogger("matrix.conversation")

EARLIER_RESULTS = 6
EARLIER_CHARACTERS = 2_500
_CLOSE_PATIENCE_S = 5.0
BROKEN = "Something went wrong inside while I was answering. Your message is kept; please ask again."
STOPPED = (
    "The app stopped while I was answering, so this message has no full answer. "
    "Nothing is sent without your approval. Please ask again if you still want it."
)
_STATUS_KEPT = (
    "mode",
    "venue",
    "mode_line",
    "kill_state",
    "kill_reason",
    "now",
    "timezone",
    "pending_proposals",
    "version",
)


class TurnRunner:
    """Owns the graph, its tasks and the evidence of recent conversations."""

    def __init__(
        self,
        *,
        saver: Any,
        store: ConversationStore,
        owner: Owner,
        hub: EventHub,
        desk: DeskClient,
        model: BaseChatModel,
        clock: Clock,
        prompt: Prompt,
    ) -> None:
        self._saver = saver
        self._store = store
        self._owner = owner
        self._hub = hub
        self._desk = desk
        self._model = model
        self._fallback = OfflinePlanner()
        warm_up()
        self._clock = clock
        self._prompt = prompt
        self._recorder = Recorder(desk, store)
        self._toolbox = Toolbox(desk, clock)
        self._graph = build(saver)
        self._tasks: set[asyncio.Task[None]] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._evidence = EvidenceBook(store)

    @property
    def model_name(self) -> str:
        """Return the chat model's own name, as `done` events give it when this model answered."""
        return self._model.get_name()

    async def close(self) -> None:
        """Let running turns end for a moment, then stop the rest."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_CLOSE_PATIENCE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._store.let_go()

    def start(self, handle: TurnHandle, screened: Screened, window: list[dict[str, Any]]) -> None:
        """Run a turn in a task of our own."""
        self._hub.add_handle(handle)
        self._own(self._run(handle, screened, window))

    async def settle(self, proposal_id: str) -> bool:
        """Go on with the turn that waits for this proposal if it is settled; say whether it did.

        A turn of another living process is left to that process.
        """
        turn = await self._store.waiting_turn(proposal_id)
        if turn is None or not await self._hold(turn):
            return False
        async with self._locks[turn.id]:
            if await self._store.waiting_turn(proposal_id) is None:
                return False
            proposal = await self._final_word(proposal_id)
            if proposal is None:
                return False
            await asyncio.shield(self._own(self._resume(turn.id, turn.conversation_id, proposal)))
        if not await self._store.waiting_proposals(turn.id):
            self._locks.pop(turn.id, None)
        return True

    async def take_up(self) -> None:
        """Look at every open turn that no living process works on, and at our own that wait.

        What a dead process was answering is closed with a clear notice; cards are settled if they can be.
        """
        for turn in await self._store.open_turns():
            is_at_work = turn.state == "running" and turn.owner == self._owner.name
            if is_at_work or not await self._hold(turn):
                continue
            waiting = await self._store.waiting_proposals(turn.id)
            if waiting and turn.state == "running":
                await self._store.set_turn(turn.id, "waiting")
            elif turn.state == "running":
                await self._close_cut_turn(turn)
                waiting = await self._store.waiting_proposals(turn.id)
            for proposal_id in waiting:
                await self.settle(proposal_id)

    async def _hold(self, turn: OpenTurn) -> bool:
        """Say whether the turn is ours; one whose owner is gone is taken over."""
        if turn.owner == self._owner.name:
            return True
        if turn.owner is not None and self._owner.is_alive(turn.owner):
            return False
        return await self._store.claim(turn)

    async def _final_word(self, proposal_id: str) -> Mapping[str, Any] | None:
        try:
            proposal = await self._desk.read(f"/proposals/{proposal_id}")
        except NotFoundError:
            return {"id": proposal_id, "state": "voided"}
        except MatrixError:
            return None
        return proposal if is_settled(proposal) else None

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _context(self, conversation_id: str, turn_id: str) -> TurnContext:
        def emit(kind: EventKind, text: str, data: Mapping[str, Any]) -> None:
            self._hub.emit(conversation_id, turn_id, kind, text, data)

        return TurnContext(
            desk=self._desk,
            toolbox=self._toolbox,
            model=self._model,
            fallback=self._fallback,
            prompt=self._prompt,
            clock=self._clock,
            evidence=await self._evidence.of(conversation_id),
            store=self._store,
            recorder=self._recorder,
            emit=emit,
            redact=redact,
        )

    async def _run(self, handle: TurnHandle, screened: Screened, window: list[dict[str, Any]]) -> None:
        started, mode = self._clock.monotonic(), "unknown"
        final, trouble = None, ""
        try:
            status, cause = await asyncio.gather(self._status(), self._record_message(handle, screened.text))
            mode = str(status["mode"])
            final = await self._answer(handle, screened, window, status, cause)
        except asyncio.CancelledError:
            trouble = STOPPED
            raise
        except Exception:  # noqa: BLE001 - whatever broke, the person gets an answer; the log has the trace
            trouble = BROKEN
            _log.exception("turn %s failed", handle.turn_id)
            await self._fail(handle)
        finally:
            took = round((self._clock.monotonic() - started) * 1000)
            self._finish(handle, _result(screened.text, final, trouble, mode, took))

    async def _answer(
        self,
        handle: TurnHandle,
        screened: Screened,
        window: list[dict[str, Any]],
        status: Mapping[str, Any],
        cause: str | None,
    ) -> TurnState:
        ctx = await self._context(handle.conversation_id, handle.turn_id)
        ctx.evidence.add_person(screened.text)
        ctx.evidence.add_zone(str(status["timezone"]))
        ctx.evidence.add_result(status, is_write=True)
        state = first_state(
            conversation=handle.conversation_id,
            turn=handle.turn_id,
            text=screened.text,
            cause=cause,
            context=status,
            window=window,
            earlier=await self._earlier(handle.conversation_id),
        )
        return await self._invoke(handle.conversation_id, handle.turn_id, state, ctx)

    async def _invoke(self, conversation_id: str, turn_id: str, given: Any, ctx: TurnContext) -> TurnState:
        """Run the graph until it ends or waits, and note on the turn which it was."""
        config = _config(conversation_id, turn_id)
        final: TurnState = await self._graph.ainvoke(given, config, context=ctx, durability="sync")
        if final["waiting"]:
            await self._store.set_turn(turn_id, "waiting")
        else:
            await self._end_turn(conversation_id, turn_id, "done")
        data = {
            "message_id": f"{turn_id}-a{final['phase']}",
            "citations": list(final["citations"]),
            "proposals": list(final["proposals"]),
            "waiting": bool(final["waiting"]),
            "model": final["model"],
        }
        self._hub.emit(conversation_id, turn_id, EventKind.DONE, final["answer"], data)
        return final

    async def _end_turn(self, conversation_id: str, turn_id: str, state: str) -> None:
        await self._store.set_turn(turn_id, state, rfc3339(self._clock.now()))
        await self._saver.adelete_thread(f"{conversation_id}/{turn_id}")

    def _finish(self, handle: TurnHandle, result: TurnResult) -> None:
        if not handle.answered.done():
            handle.answered.set_result(result)
        self._hub.drop_handle(handle)

    async def _fail(self, handle: TurnHandle) -> None:
        message = self._notice(f"{handle.turn_id}-x", handle.turn_id, BROKEN)
        await self._store.add_message(message, handle.conversation_id)
        await self._end_turn(handle.conversation_id, handle.turn_id, "failed")
        data = {"message_id": message.id}
        self._hub.emit(handle.conversation_id, handle.turn_id, EventKind.ERROR, BROKEN, data)

    async def _status(self) -> dict[str, Any]:
        """Return what a model may know about the desk: mode, time, zone. It never fails."""
        now = rfc3339(self._clock.now())
        try:
            status = await self._desk.read("/status")
        except MatrixError as error:
            return {"mode": "unknown", "timezone": "UTC", "now": now, "desk": error.as_json()}
        small = bound({key: status.get(key) for key in _STATUS_KEPT}, 2_000)
        assert isinstance(small, dict)
        return small

    async def _record_message(self, handle: TurnHandle, text: str) -> str | None:
        await self._recorder.send_kept()
        request = f"{handle.conversation_id}/{handle.turn_id}/q"
        cause = await self._recorder.post(
            {"request_id": request, "kind": "chat.message", "payload_text": text}
        )
        if cause is not None:
            await self._store.set_cause(handle.turn_id, cause)
        return cause

    async def _earlier(self, conversation_id: str) -> list[dict[str, Any]]:
        rows = await self._store.evidence(conversation_id, EARLIER_RESULTS)
        return [
            {"name": r["name"], "args": r["args"], "result": bound(r["result"], EARLIER_CHARACTERS)}
            for r in rows
        ]

    async def _resume(self, turn_id: str, conversation_id: str, proposal: Mapping[str, Any]) -> None:
        snapshot = await self._graph.aget_state(_config(conversation_id, turn_id))
        if snapshot.next != ("await_person",) or len(snapshot.interrupts) != 1:
            await self._close_in_desks_words(turn_id, conversation_id, proposal)
            return
        ctx = await self._context(conversation_id, turn_id)
        ctx.evidence.add_result(snapshot.values["context"], is_write=True)
        command: Command[Any] = Command(resume={snapshot.interrupts[0].id: "ask the desk"})
        try:
            await self._invoke(conversation_id, turn_id, command, ctx)
        except Exception:  # noqa: BLE001 - the card's end must reach the person; the log has the trace
            _log.exception("turn %s failed after its card was settled", turn_id)
            await self._close_in_desks_words(turn_id, conversation_id, proposal)

    async def _close_in_desks_words(
        self, turn_id: str, conversation_id: str, proposal: Mapping[str, Any]
    ) -> None:
        """Tell how a card ended when its graph cannot go on."""
        evidence = await self._evidence.of(conversation_id)
        evidence.add_result(proposal, is_write=True)
        name, text = str(proposal["id"]), wording.outcome_sentences(proposal)
        message = self._notice(f"{turn_id}-o-{name}", turn_id, text, [name])
        await self._store.finish_answer(message, conversation_id, waiting=(), settled=[name])
        if not await self._store.waiting_proposals(turn_id):
            await self._end_turn(conversation_id, turn_id, "done")
        data = {"message_id": message.id, "proposals": [name]}
        self._hub.emit(conversation_id, turn_id, EventKind.NOTICE, text, data)

    async def _close_cut_turn(self, turn: OpenTurn) -> None:
        cards = await self._orphan_cards(turn.conversation_id, turn.started_at)
        text = STOPPED
        if cards:
            words = "\n\n".join(wording.card_sentences(card) for card in cards)
            text += f"\n\nWhat it had put up is still there. {words}"
        names = [str(card["id"]) for card in cards]
        message = self._notice(f"{turn.id}-x", turn.id, text, names)
        await self._store.finish_answer(message, turn.conversation_id, waiting=names, settled=())
        if names:
            await self._store.set_turn(turn.id, "waiting")
        else:
            await self._end_turn(turn.conversation_id, turn.id, "interrupted")

    async def _orphan_cards(self, conversation_id: str, started_at: str) -> list[dict[str, Any]]:
        """Return pending cards that a cut turn put up before it could note them."""
        try:
            pending = (await self._desk.read("/proposals", state="pending"))["proposals"]
        except MatrixError:
            return []
        return [
            card
            for card in pending
            if card.get("conversation") == conversation_id
            and card["created_at"] >= started_at
            and not await self._store.is_known_proposal(card["id"])
        ]

    def _notice(self, message_id: str, turn_id: str, text: str, proposals: Sequence[str] = ()) -> Message:
        return Message(
            id=message_id,
            role="notice",
            text=text,
            at=rfc3339(self._clock.now()),
            citations=(),
            proposals=tuple(proposals),
            model="",
            turn_id=turn_id,
        )


def _config(conversation_id: str, turn_id: str) -> dict[str, Any]:
    return {
        "configurable": {"thread_id": f"{conversation_id}/{turn_id}"},
        "recursion_limit": RECURSION_LIMIT,
    }


def _result(question: str, final: TurnState | None, trouble: str, mode: str, latency_ms: int) -> TurnResult:
    if final is None:
        return TurnResult(question=question, answer=trouble, model="", mode=mode, latency_ms=latency_ms)
    return TurnResult(
        question=question,
        answer=final["answer"],
        model=final["model"],
        mode=mode,
        tools=tuple(final["tools"]),
        citations=tuple(final["citations"]),
        proposals=tuple(final["proposals"]),
        asked_back=final["asked_back"],
        latency_ms=latency_ms,
    )
