"""Recall: the chain of causes, told only from what the records say."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import ManualClock, parse_rfc3339
from domain.ids import IdSource
from guardrails.verdict import Check, Verdict
from tools import recall

KINDS = [
    *["chat.message", "chat.answer", "tool.call", "model.call", "intent", "verdict", "consent"],
    *[
        "order.sending",
        "order.accepted",
        "order.rejected",
        "order.unknown",
        "order.settled",
        "order.cancelled",
    ],
    *["order.closed", "fill", "kill", "release", "limits.change", "reconcile", "desk.start", "desk.stop"],
]
CLOCK = ManualClock(parse_rfc3339("2026-11-20T14:37:00Z"))
IDS = IdSource(CLOCK, Random(5))

VENUE_ID, CLIENT_ID = "73797746498585286", "m-01m7v41f00v3rs3dtr98h6bcfn"
PROPOSAL_ID = "P-01M7V41F00V3RS3DTR98H6BCFM"
BOTH_IDS = f"{VENUE_ID} (client order {CLIENT_ID})"
BOUGHT = "buy 0.00049999 btcusd at 50000.05"
TERMS = (
    f"buy 0.00049999 btcusd at 50000.10, type exchange limit, purpose entry, proposal {PROPOSAL_ID}, "
    "filled 0, fees in USD 0, state open"
)
ARGS = (
    '{"symbol": "btcusd", "side": "buy", "notional_usd": "25", "purpose": "entry", '
    '"rationale": "the person asked for it"}'
)
ORDER = {
    "order_id": VENUE_ID,
    "client_order_id": CLIENT_ID,
    "proposal_id": PROPOSAL_ID,
    "symbol": "btcusd",
    "side": "buy",
    "type": "exchange limit",
    "option": None,
    "purpose": "entry",
    "price": "50000.10",
    "stop_price": None,
    "amount": "0.00049999",
    "filled": "0",
    "remaining": "0.00049999",
    "average_price": None,
    "fees_usd": "0",
    "state": "open",
    "reason": None,
}
FILL = {
    "order_id": ORDER["order_id"],
    "client_order_id": ORDER["client_order_id"],
    "trade_id": "99512",
    "symbol": "btcusd",
    "side": "buy",
    "price": "50000.05",
    "amount": "0.00049999",
    "fee": "0.0999980000",
    "fee_currency": "USD",
    "is_maker": False,
    "at": "2026-11-20T14:37:01.000000Z",
}
INTENT = {
    "symbol": "btcusd",
    "side": "buy",
    "notional_usd": "25",
    "purpose": "entry",
    "rationale": "the person asked for it",
}


def check(rule: str, *, ok: bool, code: str = "", text: str = "") -> Check:
    return Check(rule=rule, ok=ok, code=code, text=text, numbers={})


NEEDS_PERSON = Verdict(checks=(check("spread", ok=True), check("consent", ok=False, code="CONSENT_MISSING")))
REFUSED = Verdict(
    checks=(check("per_order", ok=False, code="PER_ORDER_CAP", text="$150 is above the cap of $100"),)
)


class Book:
    """Records by id, as the journal gives them out."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, object]] = {}

    def add(self, kind: str, *, cause: str | None = None, result: object = None, **fields: object) -> str:
        CLOCK.advance(1)
        record_id = IDS.record()
        self.records[record_id] = {
            "id": record_id,
            "ts": f"2026-11-20T14:37:{len(self.records):02d}.000000Z",
            "kind": kind,
            "cause": cause,
            "source": "desk",
            "mode": "paper",
            "result_json": result,
            **fields,
        }
        return record_id

    def walk(self, record_id: str) -> list[recall.Step]:
        return recall.walk(self.records[record_id], self.records.get)


def full_path() -> tuple[Book, str]:
    book = Book()
    at = book.add("chat.message", payload_text="buy $25 of btc", source="person")
    at = book.add("tool.call", cause=at, result={"name": "propose_order", "args": INTENT}, source="model")
    at = book.add("intent", cause=at, result=INTENT, source="model")
    at = book.add("verdict", cause=at, result={**NEEDS_PERSON.as_json(), "stage": "proposal"})
    consent = {"proposal_id": ORDER["proposal_id"], "decision": "approved", "digest": "ab" * 32}
    at = book.add("consent", cause=at, result=consent, source="person")
    at = book.add(
        "order.sending", cause=at, result={"order": ORDER | {"order_id": None}, "digest": "ab" * 32}
    )
    at = book.add("order.accepted", cause=at, result={"order": ORDER})
    return book, book.add("fill", cause=at, result=FILL)


def test_walk_tells_the_whole_path_from_the_message_to_the_fill():
    book, fill = full_path()
    steps = book.walk(fill)
    assert [step.record_id for step in steps] == list(book.records)
    assert [step.text for step in steps] == [
        "Message from person: “buy $25 of btc”",
        f"Tool propose_order was called, with {ARGS}",
        "Wanted by model: buy 25 USD of btcusd, purpose entry; reason given: “the person asked for it”",
        "Verdict of the rules (proposal): needs_person - CONSENT_MISSING",
        f"Decision of person on proposal {PROPOSAL_ID}: approved, for the bytes with digest {'ab' * 32}",
        f"About to send order with client order id {CLIENT_ID}: {TERMS}",
        f"The exchange accepted order {BOTH_IDS}: {TERMS}",
        f"Fill 99512 of order {BOTH_IDS}: {BOUGHT}, fee 0.0999980000 USD, taker",
    ]
    assert recall.missing(steps) == []


def test_every_number_in_a_step_stands_in_its_record():
    book, fill = full_path()
    for step in book.walk(fill):
        record = json.dumps(book.records[step.record_id])
        for number in re.findall(r"\d[\d.]*\d|\d", step.text):
            assert number in record


def test_refusal_gives_the_rule_and_its_own_words():
    text = recall.sentence({"kind": "verdict", "result_json": REFUSED.as_json()})
    assert text == "Verdict of the rules: refused - PER_ORDER_CAP, $150 is above the cap of $100"


def test_missing_link_is_said_to_be_not_recorded():
    book = Book()
    fill = book.add("fill", cause="R-01M7V41F00V3RS3DTR98H6BCFN", result=FILL)
    first, last = book.walk(fill)
    assert (first.kind, first.record_id, first.ts) == (recall.MISSING, None, "")
    assert first.text == f"not recorded: R-01M7V41F00V3RS3DTR98H6BCFN, which fill {fill} names as its cause"
    assert last.record_id == fill
    assert recall.missing([first, last]) == [first.text]


def test_start_that_should_have_a_cause_is_said_to_lack_it():
    book = Book()
    intent = book.add("intent", result=INTENT)
    assert recall.missing(book.walk(intent)) == [f"not recorded: what led to intent {intent}"]


@pytest.mark.parametrize(
    "kind", ["chat.message", "kill", "release", "limits.change", "reconcile", "desk.start"]
)
def test_first_causes_need_no_cause(kind):
    book = Book()
    assert recall.missing(book.walk(book.add(kind))) == []


def test_circle_ends_the_walk():
    book = Book()
    first = book.add("intent", result=INTENT)
    second = book.add("verdict", cause=first, result={})
    book.records[first]["cause"] = second
    steps = book.walk(second)
    assert [step.record_id for step in steps] == [None, first, second]
    assert "not recorded" in steps[0].text
    book.records[first]["cause"] = first
    assert [step.record_id for step in book.walk(first)] == [None, first]


def test_endless_chain_is_cut_and_says_so():
    def lookup(record_id: str) -> dict[str, object]:
        return {"id": record_id, "kind": "note", "cause": f"{record_id}x"}

    steps = recall.walk(lookup("R-1"), lookup)
    assert len(steps) == recall.MAX_STEPS + 1
    assert steps[0].text == f"not recorded here: what came before {steps[1].record_id}, 100 steps back"


@pytest.mark.parametrize("kind", [*KINDS, "order.new_kind", "agents.moved", "", None])
def test_record_that_says_nothing_still_gives_a_sentence(kind):
    text = recall.sentence({"kind": kind})
    assert text
    assert not re.search(r"\bNone\b|\{\}", text)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (
            {"kind": "fill", "result_json": {k: v for k, v in FILL.items() if k not in {"fee", "is_maker"}}},
            f"Fill 99512 of order {BOTH_IDS}: {BOUGHT}, fee not recorded",
        ),
        (
            {
                "kind": "fill",
                "result_json": json.dumps({"fill": FILL | {"is_maker": True, "client_order_id": None}}),
            },
            f"Fill 99512 of order {VENUE_ID}: {BOUGHT}, fee 0.0999980000 USD, maker",
        ),
        (
            {
                "kind": "order.rejected",
                "error_text": "Funds",
                "result_json": {"order": {"side": "sell", "symbol": "btcusd"}},
            },
            "The exchange rejected order (id not recorded): sell (amount not recorded) btcusd, reason: Funds",
        ),
        (
            {"kind": "kill", "source": "person", "result_json": {"kill_state": "halted", "reason": "Alt+K"}},
            "Trading was stopped by person, state halted: Alt+K",
        ),
        ({"kind": "release", "source": "person"}, "Trading was released by person"),
        (
            {
                "kind": "limits.change",
                "source": "person",
                "result_json": {"name": "cooldown_s", "from": "1", "to": "2"},
            },
            "Limit cooldown_s was changed by person, from 1, to 2",
        ),
        (
            {"kind": "model.call", "latency_ms": 812, "result_json": {"model": "offline"}},
            "Model offline was called, which took 812 ms",
        ),
        (
            {"kind": "tool.call", "payload_text": "{}", "error_text": "timed out"},
            "A tool was called (name not recorded), with {}, and failed: timed out",
        ),
        (
            {"kind": "reconcile", "result_json": {"missing_orders": 0, "ok": True, "list": [1]}},
            "Compared with the exchange: missing_orders 0, ok yes",
        ),
        ({"kind": "desk.start", "mode": "paper"}, "The desk started in mode paper"),
        ({"kind": "chat.answer", "source": "model", "payload_text": "Done."}, "Answer by model: “Done.”"),
        ({"kind": "agents.moved", "source": "desk", "result_json": {"n": 3}}, "agents.moved from desk: n 3"),
    ],
)
def test_sentence_of_a_kind(record, text):
    assert recall.sentence(record) == text


def test_hostile_text_is_shown_on_one_visible_line():
    text = recall.sentence(
        {"kind": "intent", "result_json": INTENT | {"rationale": "a\x1b[2J\n\u202eb\u200b\ud800c"}}
    )
    assert text.endswith("reason given: “a [2J b c”")
    text.encode()


def test_long_text_is_cut():
    assert len(recall.sentence({"kind": "chat.message", "payload_text": "x" * 10_000})) < 400
    assert len(recall.sentence({"kind": "x", "result_json": {f"k{i}": "v" * 99 for i in range(999)}})) <= 1501


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()) | st.just(Decimal("1.50")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["order", "fill", "checks", "codes", "args", "ok", "is_maker", "side", "amount", "reason"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
KEYS = [
    "id",
    "ts",
    "cause",
    "source",
    "payload_text",
    "decision_text",
    "error_text",
    "latency_ms",
    "result_json",
]


@given(st.sampled_from([*KINDS, "other"]), st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_record_whatever_gives_a_chain_of_plain_sentences(kind, fields):
    steps = recall.walk({"kind": kind, **fields}, lambda _: None)
    for step in steps:
        assert step.text.isprintable()
        assert step.as_json()["text"] == step.text
