"""The conversation's door: open the store, send messages, follow turns, settle cards.

Turns run in background tasks that belong to `Conversations`; a closed browser tab stops nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from agent_graph.events import EventHub
from agent_graph.owner import owning
from agent_graph.prompts import Prompt, load
from agent_graph.screen import screen
from agent_graph.store import ConversationStore
from agent_graph.turn import Conversation, EventKind, Message, TurnEvent, TurnHandle
from agent_graph.turn_runner import TurnRunner
from desk.client import DeskClient
from domain.clock import Clock, rfc3339
from domain.errors import NotFoundError
from domain.ids import IdSource

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Listed = list[Conversation]
Transcript = list[Message]
Window = list[dict[str, Any]]

WINDOW_MESSAGES = 12
WINDOW_CHARACTERS = 1_500


@runtime_checkable
class Closable(Protocol):
    """A model that holds connections."""

    async def aclose(self) -> None:
        """Close them."""
        ...


class Conversations:
    """All conversations of one home. Make it with `open`.

    Other processes may have the same store open (`matrix ask` beside the app): each works on its own turns,
    and on those whose process is gone.
    """

    def __init__(
        self,
        *,
        store: ConversationStore,
        hub: EventHub,
        runner: TurnRunner,
        clock: Clock,
        ids: IdSource,
        exits: contextlib.AsyncExitStack,
    ) -> None:
        self._store = store
        self._hub = hub
        self._runner = runner
        self._clock = clock
        self._ids = ids
        self._exits = exits

    @classmethod
    async def open(
        cls,
        *,
        db_path: Path,
        desk: DeskClient,
        model: BaseChatModel,
        clock: Clock,
        ids: IdSource,
        prompts_dir: Path | None = None,
    ) -> Self:
        """Open `state/app.sqlite` and take up what dead processes left: waiting cards, cut turns.

        The model belongs to it from now on and is closed with it.
        Raises `BadInputError` for a bad prompt or a store of a newer release.
        """
        prompt: Prompt = load("system", prompts_dir)
        async with contextlib.AsyncExitStack() as exits:
            saver = await exits.enter_async_context(_saver(db_path))
            folder = db_path.with_suffix(".owners")
            owner = exits.enter_context(owning(folder, f"{os.getpid()}-{ids.ulid()}"))
            store, hub = ConversationStore(saver, owner.name), EventHub()
            await store.migrate()
            runner = TurnRunner(
                saver=saver,
                store=store,
                owner=owner,
                hub=hub,
                desk=desk,
                model=model,
                clock=clock,
                prompt=prompt,
            )
            if isinstance(model, Closable):
                exits.push_async_callback(model.aclose)
            exits.push_async_callback(runner.close)
            exits.callback(hub.close)
            await runner.take_up()
            return cls(store=store, hub=hub, runner=runner, clock=clock, ids=ids, exits=exits.pop_all())

    @property
    def model_name(self) -> str:
        """Return the name of the chat model that is asked first."""
        return self._runner.model_name

    async def close(self) -> None:
        """End subscriptions, let running turns end for a moment, stop the rest, close the store."""
        await self._exits.aclose()

    async def list(self, sources: Sequence[str] = ()) -> Listed:
        """Return the conversations, last used first; with `sources` only those that were begun there."""
        return await self._store.conversations(sources=sources)

    async def create(self, source: str) -> str:
        """Begin a conversation; `source` says where (web, terminal, ask). Returns its id."""
        now = rfc3339(self._clock.now())
        made = Conversation(
            id=f"C-{self._ids.ulid()}", title="", source=source, created_at=now, updated_at=now
        )
        await self._store.add_conversation(made)
        return made.id

    async def latest(self, source: str = "web", *, among: Sequence[str] = ()) -> str:
        """Return the id of the conversation used last, of a new one when there is none.

        With `among`, only conversations that were begun there count.
        """
        known = await self._store.conversations(1, among)
        return known[0].id if known else await self.create(source)

    async def transcript(self, conversation_id: str) -> Transcript:
        """Return the messages, oldest first. Raises `NotFoundError`."""
        await self._check(conversation_id)
        return await self._store.messages(conversation_id)

    async def send(self, conversation_id: str, text: str) -> TurnHandle:
        """Screen and store the person's message and start its turn.

        Raises `BadInputError` for an empty or overlong message, `NotFoundError` for an unknown conversation.
        """
        screened = screen(text)
        await self._check(conversation_id)
        handle = TurnHandle(conversation_id=conversation_id, turn_id=f"T-{self._ids.ulid()}")
        window = await self._window(conversation_id)
        person = self._line(f"{handle.turn_id}-q", handle.turn_id, "person", screened.text)
        notice = self._line(f"{handle.turn_id}-n", handle.turn_id, "notice", screened.notice)
        await self._store.begin_turn(person, conversation_id, notice if screened.notice else None)
        self._runner.start(handle, screened, window)
        if screened.notice:
            data = {"message_id": notice.id}
            self._hub.emit(conversation_id, handle.turn_id, EventKind.NOTICE, notice.text, data)
        return handle

    def subscribe(self, conversation_id: str) -> AsyncIterator[TurnEvent]:
        """Yield every event of the conversation from this call on, until closed or too far behind."""
        return self._hub.follow(conversation_id, self._hub.listen(conversation_id))

    async def settle(self, proposal_id: str) -> bool:
        """Finish the turn that waits for this proposal, if the desk calls it settled.

        Call it whenever the desk reports a change of a proposal; a repeat does nothing. Returns whether
        the turn went on.
        """
        return await self._runner.settle(proposal_id)

    async def settle_waiting(self) -> None:
        """Settle whatever was decided while nobody listened; call it when the desk can be reached again."""
        await self._runner.take_up()

    async def _check(self, conversation_id: str) -> None:
        if not await self._store.has_conversation(conversation_id):
            raise NotFoundError(
                "NO_CONVERSATION", f"there is no conversation {conversation_id[:40]}", "Start a new one."
            )

    def _line(self, message_id: str, turn_id: str, role: str, text: str) -> Message:
        return Message(
            id=message_id,
            role=role,
            text=text,
            at=rfc3339(self._clock.now()),
            citations=(),
            proposals=(),
            model="",
            turn_id=turn_id,
        )

    async def _window(self, conversation_id: str) -> Window:
        messages = await self._store.messages(conversation_id, WINDOW_MESSAGES)
        return [
            {"role": message.role, "text": message.text[:WINDOW_CHARACTERS]}
            for message in messages
            if message.role != "notice"
        ]


@contextlib.asynccontextmanager
async def _saver(db_path: Path) -> AsyncIterator[Any]:
    """Open the checkpointer on a private file."""
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    db_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(db_path, os.O_CREAT | os.O_RDWR, 0o600))
    async with AsyncSqliteSaver.from_conn_string(str(db_path)) as saver:
        await saver.setup()
        yield saver
