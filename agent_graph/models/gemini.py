"""Gemini behind the chat-model port: one long-lived client, own bounded retries, typed endings."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from random import Random, SystemRandom
from typing import Any, NamedTuple

import httpx2
from google import genai
from google.genai import errors, types
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from agent_graph.models import gemini_wire as wire
from agent_graph.models.catalogue import Catalogue, ModelEntry, catalogue
from agent_graph.models.port import Ending, ModelFailedError
from domain.clock import Clock, SystemClock
from guardrails.redactor import redact

_log = logging.getLogger("matrix.model")

ATTEMPTS = 3
CALL_TIMEOUT_MS = 45_000
TURN_TIMEOUT_S = 90.0
LONGEST_WAIT_S = 20.0
_BACKOFF_S = 0.5
_RETRYABLE = frozenset({500, 502, 503, 504})
_AGAIN = frozenset({Ending.MALFORMED, Ending.EMPTY, Ending.TRUNCATED})
_DELAY = re.compile(r"([0-9]+(?:\.[0-9]+)?)s")


class _Wait(NamedTuple):
    """A failure that may pass: try again after `seconds`, or give up with `error`."""

    error: ModelFailedError
    seconds: float | None


class GeminiChat(BaseChatModel):
    """A chat model on the Gemini Developer API. Make it with `make_gemini`."""

    name: str | None = "gemini"
    _client: genai.Client = PrivateAttr()
    _entries: tuple[ModelEntry, ...] = PrivateAttr()
    _clock: Clock = PrivateAttr()
    _random: Random = PrivateAttr()
    _sleep: Callable[[float], Awaitable[None]] = PrivateAttr()

    def __init__(
        self,
        *,
        client: genai.Client,
        entries: tuple[ModelEntry, ...],
        clock: Clock,
        random: Random,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        super().__init__(name=entries[0].id)
        self._client = client
        self._entries = entries
        self._clock = clock
        self._random = random
        self._sleep = sleep

    @property
    def _llm_type(self) -> str:
        return "gemini"

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self._client.aio.aclose()

    def _generate(
        self,
        messages: list[BaseMessage],  # noqa: ARG002 - the port's signature
        stop: list[str] | None = None,  # noqa: ARG002 - same
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - same
        **_kwargs: Any,
    ) -> ChatResult:
        raise TypeError("this model is asynchronous: use ainvoke")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the port's signature
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - same
        **_kwargs: Any,
    ) -> ChatResult:
        try:
            async with asyncio.timeout(TURN_TIMEOUT_S):
                message = await self._answer(messages)
        except TimeoutError as error:
            raise ModelFailedError(Ending.UNAVAILABLE, "the language model took too long") from error
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        """Ask the first model, and the next when it is not there; never in the middle of its own calls."""
        entries = self._entries[:1] if wire.has_own_steps(messages) else self._entries
        for entry in entries[:-1]:
            try:
                return await self._ask(entry, messages)
            except ModelFailedError as failed:
                if failed.ending not in {Ending.UNAVAILABLE, Ending.QUOTA}:
                    raise
                _log.warning("%s cannot answer (%s); asking the next model", entry.id, failed.code)
        return await self._ask(entries[-1], messages)

    async def _ask(self, entry: ModelEntry, messages: list[BaseMessage]) -> AIMessage:
        room = entry.max_output_tokens
        for attempt in range(1, ATTEMPTS + 1):
            outcome = await self._once(entry, messages, room)
            if isinstance(outcome, AIMessage):
                return outcome
            if outcome.seconds is None or attempt == ATTEMPTS:
                raise outcome.error
            if outcome.error.ending is Ending.TRUNCATED:
                room *= 2
            jitter = 1 + self._random.random() / 4
            await self._sleep(max(outcome.seconds, _BACKOFF_S * 2 ** (attempt - 1)) * jitter)
        raise AssertionError("the loop returns or raises")

    async def _once(self, entry: ModelEntry, messages: list[BaseMessage], room: int) -> AIMessage | _Wait:
        answer = wire.Answer()
        try:
            stream = await self._client.aio.models.generate_content_stream(
                model=entry.id,
                contents=[types.Content.model_validate(item) for item in wire.contents(messages)],
                config=_config(entry, wire.system_text(messages), room),
            )
            async for event in stream:
                answer.add(event.model_dump(mode="json", by_alias=True, exclude_none=True))
        except errors.APIError as error:
            return judge(error.code, error.details, str(error.message))
        except httpx2.HTTPError as error:
            failed = ModelFailedError(
                Ending.UNAVAILABLE, f"the language model cannot be reached ({type(error).__name__})"
            )
            return _Wait(failed, 0.0)
        failure = answer.failure()
        if failure is not None:
            return _Wait(failure, 0.0 if failure.ending in _AGAIN else None)
        return self._message(entry, answer, len(messages))

    def _message(self, entry: ModelEntry, answer: wire.Answer, number: int) -> AIMessage:
        message = answer.message(number)
        tokens = answer.tokens()
        cost = entry.cost_usd(**tokens, on=self._clock.now().date())
        message.response_metadata = {
            "model": entry.id,
            "version": answer.version,
            "usage": {**tokens, "cost_usd": cost},
        }
        return message


def _config(entry: ModelEntry, system: str, room: int) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        system_instruction=system,
        tools=[types.Tool(function_declarations=[_declaration(d) for d in wire.declarations()])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        max_output_tokens=room,
        thinking_config=types.ThinkingConfig(
            thinking_level=types.ThinkingLevel(entry.thinking_level.upper())
        ),
    )


def _declaration(item: Mapping[str, Any]) -> types.FunctionDeclaration:
    return types.FunctionDeclaration(
        name=item["name"],
        description=item["description"],
        parameters_json_schema=item["parametersJsonSchema"],
    )


def judge(status: int, details: Any, message: str) -> _Wait:
    """Return what an HTTP error means: whether it may pass, after how long, and what to tell the person."""
    said = redact(message)[:200]
    if status == 429:
        delay = _retry_delay(details)
        error = ModelFailedError(
            Ending.QUOTA, "the language model's quota is used up", "Wait a while or check the plan."
        )
        return _Wait(error, delay if delay is not None and delay <= LONGEST_WAIT_S else None)
    if status in _RETRYABLE:
        return _Wait(
            ModelFailedError(Ending.UNAVAILABLE, f"the language model is not available ({status})"), 0.0
        )
    if status == 404:
        error = ModelFailedError(Ending.UNAVAILABLE, f"this language model does not exist any more: {said}")
        return _Wait(error, None)
    cure = "Check the Google key." if status in {400, 401, 403} and "key" in said.lower() else ""
    return _Wait(ModelFailedError(Ending.REFUSED, f"the language model refused: {said}", cure), None)


def _retry_delay(details: Any) -> float | None:
    """Return the seconds that a 429 asks to wait; None for a daily quota or when it does not say."""
    error = details.get("error", details) if isinstance(details, Mapping) else {}
    rows = error.get("details") or [] if isinstance(error, Mapping) else []
    quotas = [v.get("quotaId", "") for row in rows for v in row.get("violations", [])]
    if any("PerDay" in quota for quota in quotas):
        return None
    for row in rows:
        found = _DELAY.fullmatch(str(row.get("retryDelay", "")))
        if found:
            return float(found[1])
    return None


def make_gemini(
    api_key: str,
    *,
    model: str | None = None,
    base_url: str | None = None,
    clock: Clock | None = None,
    random: Random | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> GeminiChat:
    """Return Gemini with the dated configuration's models. Raises `BadInputError` for an unlisted one."""
    listed: Catalogue = catalogue()
    names = dict.fromkeys([model or listed.default, listed.fallback])
    client = genai.Client(
        api_key=api_key,
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=base_url or listed.base_url,
            api_version=listed.api_version,
            timeout=CALL_TIMEOUT_MS,
            # A transport of our own keeps the library from taking aiohttp wherever that is installed: its
            # errors and its time-outs would not be the ones that are handled here.
            async_client_args={
                "trust_env": False,
                "transport": httpx2.AsyncHTTPTransport(trust_env=False),
            },
        ),
    )
    return GeminiChat(
        client=client,
        entries=tuple(listed.entry(name) for name in names),
        clock=clock or SystemClock(),
        random=random or SystemRandom(),
        sleep=sleep,
    )
