"""Runs of generated requests against the exchange, and the judgement of every answer."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, BaseSchema, Case, CheckFunction, GenerationMode, Response
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core import NotSet
from schemathesis.core.failures import FailureGroup

from tests.strangers import fuzz_lives, fuzz_lives_of_funds
from tests.strangers.fuzz_signing import RAW, Sender, Spoilt
from tests.strangers.fuzz_world import Life, World
from venues.gemini.catalogue import SHAPES, Auth, Call
from venues.gemini.catalogue.fitting import Use, misfits
from venues.gemini.catalogue.kinds import Kind, Word
from venues.gemini.catalogue.reasons import REASONS

load_all_checks()
from schemathesis.specs.openapi.checks import (  # noqa: E402 - they exist once they are loaded
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

LIVES: Mapping[str, Callable[[World], Life]] = {**fuzz_lives.LIVES, **fuzz_lives_of_funds.LIVES}

NEVER_GOOD: Mapping[str, str] = {
    "fee_promos": "feepromos | documented until Sep 2026, then 404 | 404 by default, optional",
}
"""Calls that the exchange may not answer with 200, and the line of the contract that says so."""

LIVE, DRAWN, NEGATIVE, HOSTILE = 21, 3, 6, 8
"""Requests of each sort for every operation."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

_UNREAD = """
AccountClosed AccountsOnGroupOnlyApi AmbiguousAuthentication ApiKeyIpFilteringFailure EndpointMismatch
InvalidApiKey InvalidJson InvalidNonce InvalidSignature MissingAccounts MissingApikeyHeader MissingNonce
MissingPayloadHeader MissingPayloadKey MissingRole MissingSignatureHeader NotGroupApiCompatible RateLimit
RemoteAddressForbidden
"""
BEFORE_THE_HANDLER = frozenset(_UNREAD.split())
"""Reasons for which a request is refused before anybody looks at what it asks for."""

ABSENT = object()
HOSTILE_VALUES: tuple[Any, ...] = (
    ABSENT, None, True, False, 0, 1, -1, 0.5, 10**18, 10**19, -(10**30), 10**4000, 1e308,
    "", " ", "0", "-1", "-0.00", "+1", "1e5", "1.", ".5", "NaN", "Infinity", "0x10", "1_000", "9" * 12,
    "9" * 5000, f"0.{'0' * 5000}1", "0.0000000000000000001", "\0", "a\nb", "\ud800", "\udfff x", "٣٤", "１２",
    "💥" * 200, "\u202egnp.exe", "é" * 65, "../../v1/balances", "%2e%2e", "'; drop table orders; --",
    "<script>alert(1)</script>", "{{7*7}}", "btcusd\u200b", "2026-13-45", "9999-12-31", "0001-01-01",
    "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+23:59", 253_402_300_799_999, 10**15,
    [], {}, [[]], [None], [1, "a"], ["a"] * 1000, {"a": {"b": []}}, {"": ""},
    f"{RAW}{'9' * 5000}", f"{RAW}1e999999999", f"{RAW}-1e-999999999", f"{RAW}NaN", f"{RAW}Infinity",
    f"{RAW}{'[' * 200}{']' * 200}", f"{RAW}{'[' * 900}{']' * 900}", f"{RAW}{'[' * 5000}{']' * 5000}",
)  # fmt: skip
"""What no field should be, or hardly."""

_SETTINGS = settings(
    database=None,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass(slots=True)
class Tally:
    """What became of one operation's requests."""

    sent: int = 0
    reached: int = 0
    good: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


class Fuzzer:
    """Sends what is generated for operations, counts and judges what comes back."""

    def __init__(self, world: World, schema: BaseSchema) -> None:
        schema.config.generation.update(with_security_parameters=False)
        self._world = world
        self._secrets = world.secrets()
        self.operations = {
            world.signer.row_of(found.ok().Case()).name: found.ok() for found in schema.get_all_operations()
        }
        self._checks = {name: _checks(operation) for name, operation in self.operations.items()}
        self.tallies = {name: Tally() for name in self.operations}
        self.problems: list[str] = []
        self.transcript = hashlib.sha256()

    def fuzz(self, name: str) -> None:
        """Send every sort of request of one operation."""
        operation = self.operations[name]
        row = self._world.signer.row_of(operation.Case())
        self._live(row, operation)
        self._drawn(row, operation, GenerationMode.POSITIVE, DRAWN)
        if row.path_parts or row.query or row.auth is Auth.SIGNED:
            self._drawn(row, operation, GenerationMode.NEGATIVE, NEGATIVE)
        if row.path_parts or row.query or row.request:
            self._hostile(row, operation)
        if row.auth is Auth.SIGNED:
            self._spoilt(row, operation)

    def _live(self, row: Call, operation: APIOperation[Any, Any, Any, Any]) -> None:
        drawn = operation.as_strategy(path_parameters=dict.fromkeys(row.path_parts, "of the life"))

        @settings(_SETTINGS, max_examples=LIVE)
        @given(seed=st.integers(0, 2**64), case=drawn)
        def run(seed: int, case: Case) -> None:
            life = self._life(row, seed)
            case.path_parameters.update(life.path)
            case.query = dict(life.query)
            if isinstance(case.body, Mapping):
                case.body = {**_kept(row, case.body), **life.fields}
            self._send(row, case, life.sender, "live")

        run()

    def _drawn(
        self, row: Call, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, count: int
    ) -> None:
        @settings(_SETTINGS, max_examples=count)
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Case) -> None:
            reached = self.tallies[row.name].reached
            self._send(row, case, None, mode.value)
            if mode is GenerationMode.POSITIVE and self.tallies[row.name].reached == reached:
                self._object(row, mode.value, "a sound request did not reach the handler")

        run()

    def _hostile(self, row: Call, operation: APIOperation[Any, Any, Any, Any]) -> None:
        """Spoil one part of a request that is true otherwise."""
        fields = [*(field.name for field in row.request), *(["unheard_of"] if row.method == "POST" else [])]
        places = [
            *(("path", name) for name in row.path_parts),
            *(("query", field.name) for field in row.query),
            *(("fields", name) for name in fields),
        ]

        @settings(_SETTINGS, max_examples=HOSTILE)
        @given(
            seed=st.integers(0, 2**64), place=st.sampled_from(places), value=st.sampled_from(HOSTILE_VALUES)
        )
        def run(seed: int, place: tuple[str, str], value: Any) -> None:
            life = self._life(row, seed)
            parts = {"path": dict(life.path), "query": dict(life.query), "fields": dict(life.fields)}
            _spoil(parts[place[0]], place[1], value, is_text=place[0] != "fields")
            case = _case(operation, parts["path"], parts["query"], parts["fields"])
            self._send(row, case, life.sender, f"hostile {place[1]}={value!r:.40}")

        run()

    def _spoilt(self, row: Call, operation: APIOperation[Any, Any, Any, Any]) -> None:
        """Fail to sign, in every way, what would be carried out otherwise."""
        life = self._life(row, 0)
        usual = life.sender or self._world.usual_sender(row)
        for spoilt in Spoilt:
            case = _case(operation, dict(life.path), dict(life.query), dict(life.fields))
            sender = Sender(label=usual.label or "stranger", account=usual.account, spoilt=spoilt)
            if self._send(row, case, sender, spoilt.value) < 400:
                self._object(row, spoilt.value, "a request that is not signed was carried out")

    def _life(self, row: Call, seed: int) -> Life:
        # Drawn seeds come twice; with the count in it no life repeats another's names.
        self._world.chance = Random(f"{row.name} {seed} {self.tallies[row.name].sent}")
        return LIVES[row.name](self._world)

    def _send(self, row: Call, case: Case, sender: Sender | None, sort: str) -> int:
        self._world.signer.sender = sender or self._world.usual_sender(row)
        running, tally = self._world.running, self.tallies[row.name]
        response = case.call(base_url=running.url, session=self._world.session)
        tally.sent += 1
        reason = _reason(response)
        tally.reasons[f"{response.status_code} {reason}"] += 1
        tally.good += response.status_code < 300
        tally.reached += response.status_code < 300 or reason not in BEFORE_THE_HANDLER
        self.transcript.update(f"{row.name} {sort} {response.status_code} ".encode() + response.content)
        for problem in self._judged(row, case, response):
            self._object(row, sort, f"{problem}; sent {_shown(case)}; answer {response.content[:200]!r}")
        if sort == "live" and response.status_code >= 300 and row.name not in NEVER_GOOD:
            self._object(row, sort, f"refused: {response.content[:200]!r}; sent {_shown(case)}")
        return response.status_code

    def _judged(self, row: Call, case: Case, response: Response) -> list[str]:
        found = []
        try:
            case.validate_response(response, checks=self._checks[row.name])
        except FailureGroup as failures:
            found += [f"{type(each).__name__}: {each!s:.200}" for each in failures.exceptions]
        if response.status_code < 300:
            found = found or misfits(row.answer, _decoded(row, response), SHAPES)
            found += _misread(row, response)
        elif response.status_code not in REASONS.get(_reason(response), (400, 404)):
            found.append("a reason that does not go with the status")
        told = response.content + str(response.headers).encode()
        found += ["a secret in the answer" for secret in self._secrets if secret.encode() in told]
        return found

    def _object(self, row: Call, sort: str, problem: str) -> None:
        self.problems.append(f"{row.name} ({sort}): {problem}")


def _case(
    operation: APIOperation[Any, Any, Any, Any],
    path: dict[str, str],
    query: dict[str, Any],
    fields: dict[str, Any],
) -> Case:
    body = {"body": fields} if operation.body else {}
    return operation.Case(path_parameters=path, query=query, **body)


def _misread(row: Call, response: Response) -> list[str]:
    """Return what an answered request says that its row does not allow, but for fields that nobody knows.

    Those are passed over, as clients of every age send their own. Null stands for nothing given, and a truth
    in a URL may begin with a capital letter.
    """
    sent = response.request
    query = {
        name: {"True": "true", "False": "false"}.get(value, value)
        for name, value in parse_qsl(urlsplit(str(sent.url)).query, keep_blank_values=True)
    }
    found = misfits(row.query, query, SHAPES, use=Use.QUERY)
    if row.auth is Auth.SIGNED:
        payload = json.loads(base64.b64decode(sent.headers["X-GEMINI-PAYLOAD"]), parse_float=Decimal)
        kinds = {field.name: field.kind for field in row.request}
        given = {
            name: _whole(kinds[name], value) if name in kinds else value
            for name, value in payload.items()
            if value is not None
        }
        found += misfits(row.request, given, SHAPES, use=Use.REQUEST)
    return [f"answered although {each}" for each in found if not each.endswith("not a field of this")]


def _whole(kind: Kind, value: Any) -> Any:
    """Return what stands for a whole number as one: 7.0, its digits as text, a time with a fraction."""
    words = {each.word for each in kind.any_of or (kind,)}
    if isinstance(value, Decimal) and (value == value.to_integral_value() or Word.TIME in words):
        return int(value)
    is_digits = isinstance(value, str) and value.isascii() and value.isdecimal()
    return int(value) if is_digits and Word.INT in words else value


def _checks(operation: APIOperation[Any, Any, Any, Any]) -> list[CheckFunction]:
    """Return what the fuzzer is to judge itself.

    It rewrites `prefixItems` before it judges an answer and then finds the document wrong (release 4.32.5);
    what is documented so is left to our own judgement of the answer.
    """
    is_misread = "prefixItems" in json.dumps(operation.definition.raw)
    return [each for each in CHECKS if not (is_misread and each is response_schema_conformance)]


def _kept(row: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may stay as drawn beside what a life says: switches and choices."""
    kinds = {field.name: field.kind for field in row.request}
    return {name: value for name, value in body.items() if kinds[name].words or kinds[name].word is Word.BOOL}


def _spoil(part: dict[str, Any], name: str, value: Any, *, is_text: bool) -> None:
    if value is ABSENT and not is_text:
        part.pop(name, None)
    elif is_text:
        text = value if isinstance(value, str) else repr(value)
        part[name] = text.removeprefix(RAW).encode("utf-8", "replace").decode() or "x"
    else:
        part[name] = value


def _reason(response: Response) -> str:
    try:
        return str(response.json().get("reason", ""))
    except (ValueError, AttributeError):
        return ""


def _decoded(row: Call, response: Response) -> Any:
    if row.answer.word is Word.FILE:
        return response.content
    return json.loads(response.text, parse_float=Decimal)


def _shown(case: Case) -> str:
    body = None if isinstance(case.body, NotSet) else case.body
    return f"{case.formatted_path} {case.query!r:.200} {body!r:.300}"
