"""Real answers and frames go through the parsers without loss."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from domain.clock import ManualClock
from domain.instrument import InstrumentStatus, Side
from domain.order import OrderEventType
from guardrails.sandbox_lock import PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini import recordings
from tests.venues_gemini.samples import START
from venues.gemini.errors import envelope
from venues.gemini.market_feed import MarketFeed
from venues.gemini.parsing import parse, parse_orders

D = Decimal


class Number(str):
    """A JSON number's own text, so that a test sees what a float would have hidden."""

    __slots__ = ()


def routes() -> dict[str, Any]:
    found = json.loads(recordings.rest_raw(), parse_float=Number)
    return dict(found["routes"])


def answers(path: str, method: str) -> list[tuple[Any, bytes]]:
    return [(row["data"], encode(row["data"])) for row in routes()[path][method]]


def encode(value: Any) -> bytes:
    if isinstance(value, Number):
        return value.encode()
    if isinstance(value, dict):
        return b"{" + b",".join(json.dumps(k).encode() + b":" + encode(v) for k, v in value.items()) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(encode(v) for v in value) + b"]"
    return json.dumps(value).encode()


def test_details_of_2026_every_number_kept() -> None:
    bodies = recordings.details_2026()
    assert len(bodies) == 347
    for body in bodies:
        raw = json.loads(body, parse_float=Number)
        found = parse.instrument(body)
        assert (found.symbol, found.symbol.upper()) == (raw["symbol"].lower(), raw["symbol"])
        assert found.amount_step == D(str(raw["tick_size"]))
        assert found.price_tick == D(str(raw["quote_increment"]))
        assert found.min_amount == D(raw["min_order_size"])
        assert (found.base, found.quote) == (raw["base_currency"].lower(), raw["quote_currency"].lower())
        assert found.is_spot == (raw["product_type"] == "spot")
        assert found.status == raw["status"]


def test_details_all_of_the_fixture_read() -> None:
    for raw, body in answers("/v1/symbols/details/all", "GET"):
        found = parse.instruments(body)
        assert len(found) == len(raw) == 111
        assert {i.symbol for i in found if not i.is_spot} == {
            r["symbol"].lower() for r in raw if r["product_type"] != "spot"
        }
    for _, body in answers("/v1/symbols/details/btcusd", "GET"):
        assert parse.instrument(body).amount_step == D("1E-8")


def test_public_answers_read() -> None:
    for raw, body in answers("/v1/symbols", "GET"):
        assert parse.symbols(body) == raw
    for raw, body in answers("/v1/book/btcusd", "GET"):
        view = parse.book(body, "btcusd")
        assert [(str(p), str(a)) for p, a in view.bids] == [(r["price"], r["amount"]) for r in raw["bids"]]
        assert [(str(p), str(a)) for p, a in view.asks] == [(r["price"], r["amount"]) for r in raw["asks"]]
    for path in ("/v1/trades/BTCUSD", "/v1/trades/btcusd"):
        for raw, body in answers(path, "GET"):
            trades = parse.trades(body, "btcusd")
            assert sorted((t.trade_id, str(t.price), str(t.amount)) for t in trades) == sorted(
                (str(r["tid"]), r["price"], r["amount"]) for r in raw if r["type"] in {"buy", "sell"}
            )
            assert [t.at for t in trades] == sorted(t.at for t in trades)
    for raw, body in answers("/v2/ticker/BTCUSD", "GET"):
        ticker = parse.ticker(body)
        assert (ticker.symbol, str(ticker.open), str(ticker.bid)) == ("btcusd", raw["open"], raw["bid"])
        assert [str(c) for c in reversed(ticker.hourly_closes)] == raw["changes"]


def test_private_answers_read() -> None:
    for raw, body in answers("/v1/balances", "POST"):
        assert [(b.currency.upper(), str(b.amount), str(b.available)) for b in parse.balances(body)] == [
            (r["currency"], r["amount"], r["available"]) for r in raw
        ]
    for _, body in answers("/v1/notionalvolume", "POST"):
        schedule = parse.fee_schedule(body)
        assert (schedule.tier.maker_bps, schedule.tier.taker_bps) == (D(10), D(35))
        assert schedule.as_of is not None
    for _, body in answers("/v1/heartbeat", "POST"):
        parse_orders.ok(body)
    for _, body in answers("/v1/order/cancel/all", "POST"):
        assert parse_orders.cancel_report(body) == parse_orders.CancelReport(cancelled=(), rejected=())
    for _, body in answers("/v1/orders", "POST"):  # the recorder wrote an empty list as null
        assert parse_orders.orders(body) == []
    for raw, body in answers("/v1/mytrades", "POST"):
        if isinstance(raw, dict):
            assert envelope(body) == (raw["reason"], raw["message"])
            continue
        fills = parse_orders.fills(body, "btcusd")
        assert sorted((f.trade_id, str(f.price), str(f.fee)) for f in fills) == sorted(
            (str(r["tid"]), r["price"], r["fee_amount"]) for r in raw or []
        )


@pytest.mark.parametrize("path", ["/v1/order/new", "/v1/order/cancel", "/v1/order/status"])
def test_order_answers_read(path: str) -> None:
    seen = 0
    for raw, body in answers(path, "POST"):
        if raw.get("result") == "error":
            assert envelope(body) == (raw["reason"], raw["message"])
            continue
        found = parse_orders.order(body)
        same_order(found, raw)
        assert parse_orders.orders(body) == [found]
        seen += 1
    assert seen


def same_order(found: Any, raw: dict[str, Any]) -> None:
    assert found.venue_order_id == raw["order_id"]
    assert found.client_order_id == raw.get("client_order_id")
    assert (found.symbol, found.side) == (raw["symbol"], raw["side"])
    assert (found.is_live, found.is_cancelled) == (raw["is_live"], raw.get("is_cancelled", False))
    for ours, theirs in (
        (found.price, "price"),
        (found.original_amount, "original_amount"),
        (found.executed_amount, "executed_amount"),
        (found.remaining_amount, "remaining_amount"),
        (found.average_price, "avg_execution_price"),
    ):
        assert theirs not in raw or str(ours) == raw[theirs]
    assert found.reason == raw.get("reason")
    assert int(found.at.timestamp() * 1000 + 0.5) == raw["timestampms"]


def test_order_status_of_2021_read() -> None:
    rows = recordings.text("rest/gemini_order_status_2021.jsonl").splitlines()
    assert len(rows) == 2
    for row in rows:
        same_order(parse_orders.order(row.encode()), json.loads(row))


def test_order_events_of_2023_read() -> None:
    kinds: list[str] = []
    numbers: list[int] = []
    for row in recordings.text("rest/gemini_order_events_ws_20230510.jsonl").splitlines():
        frame = parse_orders.order_frame(row.encode())
        raw = json.loads(row)
        kinds.append(frame.kind)
        numbers += frame.sequences
        if isinstance(raw, list):
            assert len(frame.events) == len(raw)
            for event, given in zip(frame.events, raw, strict=True):
                same_order(event.order, given)
                assert event.type == given["type"]
                assert event.event_id == given.get("event_id")
    assert kinds == ["events", "heartbeat", "events", "events", "events", "events"]
    assert numbers == [0, 1, 2, 3, 4, 5, 6, 10, 35, 36, 44, 45]


def test_vendor_samples_every_order_frame_read() -> None:
    seen: dict[str, int] = {}
    for row in recordings.text("rest/gemini_ws_doc_samples.jsonl").splitlines():
        body = json.loads(row)["body"]
        raw = json.dumps(body).encode()
        if isinstance(body, list):
            frame = parse_orders.order_frame(raw)
            assert [e.type for e in frame.events] == [e["type"] for e in body]
            for event, given in zip(frame.events, body, strict=True):
                same_order(event.order, given)
                if event.type is OrderEventType.FILL:
                    fill = event.fill
                    assert fill is not None
                    assert (fill.trade_id, str(fill.fee), fill.fee_currency) == (
                        "109535970",
                        "8.980575",
                        "USD",
                    )
                    assert fill.is_maker
                    assert fill.side is Side.SELL
            assert parse_orders.order_frame(json.dumps(body[0]).encode()) == frame
            seen["events"] = seen.get("events", 0) + 1
        elif body.get("type") in {"subscription_ack", "heartbeat"}:
            kind = parse_orders.order_frame(raw).kind
            seen[kind] = seen.get(kind, 0) + 1
        elif body.get("result") == "error":
            found = envelope(raw)
            assert found is not None
            assert found[0] == "MissingRole"
    assert seen == {"events": 8, "ack": 1, "heartbeat": 1}


def feed(*symbols: str) -> MarketFeed:
    held = endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=1))
    return MarketFeed(held, symbols, ManualClock(START))


def test_market_frames_of_both_years_every_trade_kept() -> None:
    for frames in (recordings.frames_2021(), recordings.frames_2026()):
        raws = [json.loads(frame) for frame in frames]
        names = {raw["symbol"] for raw in raws if "symbol" in raw}
        live = feed(*(name.lower() for name in names))
        for frame in frames:
            live.take(frame)
        assert live.status().synced
        assert live.status().last_error == ""
        for name in names:
            wanted: dict[str, dict[str, Any]] = {}
            for raw in raws:
                rows = raw.get("trades", []) if raw["type"] == "l2_updates" else [raw]
                if raw.get("symbol") == name:
                    wanted |= {str(row.get("tid", row["event_id"])): row for row in rows}
            seen = live.recent_trades(name.lower())
            assert [t.at for t in seen] == sorted(t.at for t in seen)
            assert {(t.trade_id, str(t.price), str(t.amount), t.side) for t in seen} == {
                (key, row["price"], row["quantity"], row["side"]) for key, row in wanted.items()
            }
            assert live.last_trade(name.lower()) == seen[-1]


def test_market_frames_of_2026_final_tops_as_published() -> None:
    live = feed("btcusd", "solusd")
    for frame in recordings.frames_2026():
        live.take(frame)
    assert (live.view("btcusd").bid, live.view("btcusd").ask) == (D("65206.28"), D("65206.29"))
    assert (live.view("solusd").bid, live.view("solusd").ask) == (D("77.423"), D("77.439"))


def test_vendor_market_samples_taken_or_passed_over() -> None:
    live = feed("btcusd")
    for row in recordings.text("rest/gemini_ws_doc_samples.jsonl").splitlines():
        body = json.loads(row)["body"]
        if isinstance(body, dict) and body.get("type") in {
            "l2_updates",
            "trade",
            "candles_15m_updates",
            "heartbeat",
        }:
            live.take(json.dumps(body).encode())
    assert live.view("btcusd").bid == D("9122.04")
    assert live.recent_trades("btcusd")


def test_unknown_status_is_closed() -> None:
    body = recordings.details_2026()[0].replace(b'"open"', b'"paused_for_lunch"')
    assert parse.instrument(body).status is InstrumentStatus.CLOSED


def test_candle_numbers_exact() -> None:
    body = (
        b"[[1561054500000,9350.18,9358.350000000000000001,9350.18,9355.51,2.07e-7],[1561053600000,1,1,1,1,0]]"
    )
    older, newer = parse.candles(body)
    assert (newer.high, newer.volume) == (D("9358.350000000000000001"), D("2.07E-7"))
    assert older.start < newer.start


@pytest.mark.parametrize("number", ["1e400", '"NaN"', '"Infinity"', "true", "null", '"x"', "-1e99"])
def test_numbers_that_are_no_money_refused(number: str) -> None:
    body = b'[{"currency":"BTC","amount":%s,"available":"1"}]' % number.encode()
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        parse.balances(body)
