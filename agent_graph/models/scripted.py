"""A model that follows a script: tests, adversaries and replays. It obeys whoever wrote the script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

Script = Callable[[Sequence[BaseMessage]], AIMessage]
NAME = "scripted"


class ScriptedModel(BaseChatModel):
    """Answers with what `script(messages)` returns; the script may raise `ModelFailedError`."""

    name: str | None = NAME
    _script: Script = PrivateAttr()

    def __init__(self, script: Script) -> None:
        super().__init__()
        self._script = script

    @property
    def _llm_type(self) -> str:
        return NAME

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the port's signature
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - same
        **_kwargs: Any,
    ) -> ChatResult:
        message = self._script(messages)
        message.response_metadata.setdefault("model", NAME)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the port's signature
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - same
        **_kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages)


def replay(lines: Sequence[AIMessage]) -> ScriptedModel:
    """Return a model that says these messages one after the other, and then nothing more."""
    left = list(lines)

    def script(_messages: Sequence[BaseMessage]) -> AIMessage:
        return left.pop(0) if left else AIMessage("That is all.")

    return ScriptedModel(script)
