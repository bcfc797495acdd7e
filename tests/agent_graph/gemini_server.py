"""A local server that speaks the Gemini wire, with its rules: keys, signatures, answer counts, endings."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from loopback.serve import serving

KEY = "test-key-of-no-value"
_PATH = re.compile(r"/v1(?:beta)?/models/(?P<model>[^:/]+):streamGenerateContent")
Json = dict[str, Any]


@dataclass(slots=True)
class Reply:
    """One scripted answer: an HTTP status, events of the stream, and whether the line is cut after them."""

    events: list[Json] = field(default_factory=list)
    status: int = 200
    body: Json | None = None
    is_cut: bool = False


def said(*texts: str, finish: str = "STOP") -> Reply:
    """Text in several events, the last one empty and signed, as the service does it."""
    events = [{"candidates": [{"content": {"role": "model", "parts": [{"text": t}]}}]} for t in texts]
    last = {"text": "", "thoughtSignature": _signature("text")}
    events.append(_ending({"role": "model", "parts": [last]}, finish))
    return Reply(events=events)


def called(*calls: tuple[str, Json], ids: bool = True, finish: str = "STOP") -> Reply:
    """Calls, each in an event of its own; only the first one is signed."""
    events: list[Json] = [
        {
            "candidates": [
                {
                    "content": {"role": "model", "parts": [{"text": "Let me see.", "thought": True}]},
                    "index": 0,
                }
            ]
        }
    ]
    for index, (name, args) in enumerate(calls):
        part: Json = {"functionCall": {"name": name, "args": args}}
        if ids:
            part["functionCall"]["id"] = f"call_{index}_{name}"
        if index == 0:
            part["thoughtSignature"] = _signature(name)
        events.append({"candidates": [{"content": {"role": "model", "parts": [part]}}]})
    events.append(_ending({"role": "model", "parts": [{"text": ""}]}, finish))
    return Reply(events=events)


def failed(status: int, word: str, message: str = "no", details: list[Json] | None = None) -> Reply:
    """An error body."""
    error: Json = {"code": status, "message": message, "status": word}
    if details:
        error["details"] = details
    return Reply(status=status, body={"error": error})


def quota(*, delay: str | None, per_day: bool = False) -> Reply:
    """A 429 with its details."""
    which = "PerDay" if per_day else "PerMinute"
    details: list[Json] = [
        {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": f"GenerateRequests{which}PerProjectPerModel-FreeTier"}],
        }
    ]
    if delay:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    return failed(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", details)


def blocked(reason: str = "PROHIBITED_CONTENT") -> Reply:
    """A prompt block: one event without candidates."""
    return Reply(
        events=[{"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 9}}]
    )


def ended(finish: str, content: Json | None = None) -> Reply:
    """A candidate that ends in `finish`, with or without content."""
    return Reply(events=[_ending(content, finish)])


def _ending(content: Json | None, finish: str) -> Json:
    candidate: Json = {"finishReason": finish, "index": 0}
    if content is not None:
        candidate["content"] = content
    usage = {
        "promptTokenCount": 100,
        "candidatesTokenCount": 10,
        "thoughtsTokenCount": 5,
        "totalTokenCount": 115,
    }
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-test-001"}


def _signature(of: str) -> str:
    return base64.b64encode(f"signed:{of}??>>".encode()).decode()


Script = Callable[[Json, int], Reply]


class GeminiServer:
    """Judges each request by the wire's rules, then answers by the script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.requests: list[Json] = []
        self.models: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        found = _PATH.fullmatch(scope["path"])
        headers = {k.decode().lower(): v.decode() for k, v in scope["headers"]}
        reply = self._judge(found, headers, raw)
        await _answer(reply, send)

    def _judge(self, found: re.Match[str] | None, headers: dict[str, str], raw: bytes) -> Reply:
        if found is None:
            return failed(404, "NOT_FOUND", "no such method")
        key = headers.get("x-goog-api-key")
        if key is None:
            return failed(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers")
        if key != KEY:
            info = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
            return failed(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", info)
        body = json.loads(raw)
        problem = _problem(body["contents"])
        if problem:
            return failed(400, "INVALID_ARGUMENT", problem)
        self.requests.append(body)
        self.models.append(found["model"])
        return self._script(body, len(self.requests))


def _problem(contents: list[Json]) -> str:
    """Say which rule a conversation breaks."""
    if contents[-1]["role"] != "user":
        return "Please ensure that the last content is not a model turn"
    start = max(i for i, c in enumerate(contents) if c["role"] == "user" and _has(c, "text"))
    for index, content in enumerate(contents[start:], start):
        calls = [p for p in content["parts"] if "functionCall" in p]
        if content["role"] != "model" or not calls:
            continue
        if not _is_signed(calls[0]):
            return "Function call is missing a thought_signature in functionCall parts"
        if any("thoughtSignature" in p for p in calls[1:]):
            return "a sibling call must not carry a signature"
        answers = [p["functionResponse"] for p in contents[index + 1]["parts"] if "functionResponse" in p]
        if len(answers) != len(calls):
            return "the number of function response parts must equal the number of function call parts"
        for call, answer in zip(calls, answers, strict=True):
            asked = call["functionCall"]
            if answer["name"] != asked["name"] or answer.get("id") != asked.get("id"):
                return "function responses are out of order"
    return ""


def _has(content: Json, kind: str) -> bool:
    return any(kind in part for part in content["parts"])


def _is_signed(part: Json) -> bool:
    sent = str(part.get("thoughtSignature", "")).replace("-", "+").replace("_", "/")
    wanted = _signature(part["functionCall"]["name"])
    return bool(sent) and base64.b64decode(sent) == base64.b64decode(wanted)


async def _answer(reply: Reply, send: Any) -> None:
    kind = b"application/json" if reply.body else b"text/event-stream"
    headers = [(b"content-type", kind)]
    if reply.is_cut:
        headers.append((b"content-length", b"1000000"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.body:
        await send({"type": "http.response.body", "body": json.dumps(reply.body).encode()})
        return
    for event in reply.events:
        chunk = f"data: {json.dumps(event)}\r\n\r\n".encode()
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    if reply.is_cut:
        raise ConnectionAbortedError("the line is cut here")
    await send({"type": "http.response.body", "body": b""})


def responses(body: Json) -> list[Json]:
    """The function responses of a request's last content."""
    return [p["functionResponse"] for p in body["contents"][-1]["parts"] if "functionResponse" in p]


@asynccontextmanager
async def gemini_on(script: Script) -> AsyncIterator[tuple[GeminiServer, str]]:
    """The server on a free port, and its address."""
    server = GeminiServer(script)
    async with serving(server) as url:
        yield server, url
