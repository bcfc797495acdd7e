"""The light of the chat's model: green only for a model that was seen to answer."""

from __future__ import annotations

from agent_graph.turn import EventKind, TurnEvent
from app.live import Json, Live
from domain.clock import Clock, rfc3339

_FAILURE = "MODEL_"


class ModelLight:
    """Turns the events of turns into one light, `{"name", "label", "state", "word", "detail", "at", …}`.

    `word` is shown instead of `state` where the state alone would say too little; `at` is when it was seen.
    """

    def __init__(self, live: Live, clock: Clock) -> None:
        self._live = live
        self._clock = clock
        self._model = ""
        self._offline = ""
        self._error: str | None = None

    def opened(self, model: str) -> None:
        """Take the name of the model that is asked first."""
        from agent_graph.models.offline.planner import NAME

        self._model, self._offline = model, NAME
        if model == NAME:
            self._show("ok", "ok", "answers on this machine; it is not a language model")
        else:
            self._show("off", "not asked yet", "the next message asks it")

    def broke(self, text: str) -> None:
        """Say that there is no conversation at all."""
        self._error = text
        self._show("down", "down", "the conversation could not be opened")

    def take(self, event: TurnEvent) -> None:
        """Learn from one event of a turn how the model does."""
        if event.kind is EventKind.NOTICE and str(event.data.get("code", "")).startswith(_FAILURE):
            self._error = event.text
            self._show("down", "down", "it gave no answer; the offline planner answered instead")
        elif event.kind is EventKind.DONE:
            self._answered(str(event.data.get("model", "")))

    def _answered(self, by: str) -> None:
        if by == self._model:
            self._show("ok", "ok", "answered")
        elif by and by != self._offline:
            self._show("slow", "slow", f"{by} answered instead")

    def _show(self, state: str, word: str, detail: str) -> None:
        light: Json = {
            "name": "Model",
            "label": "offline planner" if self._model and self._model == self._offline else self._model,
            "state": state,
            "word": word,
            "detail": detail,
            "at": rfc3339(self._clock.now()),
            "last_error": self._error,
        }
        self._live.set_model(light)
