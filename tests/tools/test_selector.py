"""The pair ranking: move against cost, thin and stale books, and reasons with their numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from domain.fees import FeeTier
from domain.instrument import InstrumentStatus
from domain.market import Candle, Level
from tests.guardrails.world import BTCUSD, LIMITS, NOW, D, book
from tools import selector
from tools.selector import PairInput, depth_usd, expected_move_pct, rank

FEES = FeeTier(maker_bps=D(20), taker_bps=D(40))
RATES = {"USD": D(1)}
DEEP = book(bids=(Level(D(59990), D(1)),), asks=(Level(D(60010), D(1)),))


def candles(deviation: float, count: int = 300, seed: int = 1, minutes: int = 5) -> tuple[Candle, ...]:
    chance, price, made = Random(seed), 60_000.0, []
    for step in range(count):
        price *= math.exp(chance.gauss(0, deviation))
        close = D(f"{price:.4f}")
        made.append(
            Candle(
                start=NOW + timedelta(minutes=minutes * step), open=close, high=close, low=close, close=close
            )
        )
    return tuple(made)


def pair(deviation: float, **changes: Any) -> PairInput:
    base: dict[str, Any] = {"instrument": BTCUSD, "book": DEEP, "candles": candles(deviation)}
    return PairInput(**{**base, **changes})


def ranked(*pairs: PairInput, top: int = 9, **changes: Any) -> list[dict[str, Any]]:
    base: dict[str, Any] = {"fees": FEES, "usd_rates": RATES, "limits": LIMITS, "top": top, "now": NOW}
    answer: dict[str, Any] = rank(pairs, **{**base, **changes})
    assert set(answer) == {"as_of", "pairs", "method"}
    return answer["pairs"]


def named(symbol: str, one: PairInput) -> PairInput:
    return replace(one, instrument=replace(one.instrument, symbol=symbol))


@pytest.mark.parametrize("deviation", [0.0005, 0.002, 0.01])
@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_expected_move_is_that_of_a_random_walk(deviation: float, minutes: int) -> None:
    move = expected_move_pct(candles(deviation, 2_000, minutes=minutes), timedelta(hours=4))
    assert move is not None
    wanted = deviation * math.sqrt(240 / minutes) * math.sqrt(2 / math.pi) * 100
    assert abs(float(move) / wanted - 1) < 0.1


def test_longer_horizon_moves_more_by_the_root_of_time() -> None:
    history = candles(0.002)
    short, long = (expected_move_pct(history, timedelta(hours=h)) for h in (1, 4))
    assert short is not None
    assert long is not None
    assert abs(long / short - 2) < D("0.0001")


@pytest.mark.parametrize("count", [0, 1, 12])
def test_too_few_candles_give_no_guess(count: int) -> None:
    assert expected_move_pct(candles(0.01, count), timedelta(hours=4)) is None
    assert ranked(pair(0.01, candles=candles(0.01, count))) == []


def test_candles_without_a_price_or_at_one_time_give_no_guess() -> None:
    zero = tuple(replace(candle, close=D(0)) for candle in candles(0.01, 40))
    still = tuple(replace(candle, start=NOW) for candle in candles(0.01, 40))
    assert expected_move_pct(zero, timedelta(hours=4)) is None
    assert expected_move_pct(still, timedelta(hours=4)) is None


def test_hole_in_the_candles_does_not_count_as_one_step() -> None:
    history = candles(0.002)
    late = [replace(c, start=c.start + timedelta(hours=9), close=c.close * 2) for c in history[150:]]
    whole, holed = (expected_move_pct(h, timedelta(hours=4)) for h in (history, (*history[:150], *late)))
    assert whole is not None
    assert holed is not None
    assert abs(holed / whole - 1) < D("0.05")


def test_moving_pair_beats_a_quiet_one() -> None:
    rows = ranked(named("aaausd", pair(0.0005)), named("bbbusd", pair(0.004)))
    assert [row["symbol"] for row in rows] == ["bbbusd", "aaausd"]
    best, worst = rows
    assert best["tradable"] is True
    assert worst["tradable"] is False
    assert "does not pay the costs" in worst["why"]
    assert D(best["net_pct"]) == D(best["expected_move_pct"]) - D(best["round_trip_pct"]) - D(
        best["spread_pct"]
    ) - D("0.05")


def test_reason_carries_its_numbers() -> None:
    (row,) = ranked(pair(0.004))
    for name in ("expected_move_pct", "round_trip_pct", "spread_pct", "net_pct"):
        assert row[name] in row["why"]
    assert "$59,990" in row["why"]
    assert row["depth_usd"] == "59990"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"book": book(bids=(Level(D(59990), D("0.001")),))}, "the book is thin"),
        ({"book": book(bids=(Level(D(59000), D(1)),))}, "the book is thin"),
        (
            {"book": book(bids=(Level(D(59800), D(1)),), asks=(Level(D(60200), D(1)),))},
            "the spread is outside 0.5 %",
        ),
        ({"book": replace(DEEP, synced=False)}, "the market data is stale"),
        ({"book": replace(DEEP, age_s=11.0)}, "the market data is stale"),
        ({"book": replace(DEEP, age_s=None)}, "the market data is stale"),
        ({"instrument": replace(BTCUSD, status=InstrumentStatus.CANCEL_ONLY)}, "it is not open for spot"),
    ],
)
def test_pair_that_cannot_be_traded_says_why(changes: dict[str, Any], reason: str) -> None:
    (row,) = ranked(pair(0.02, **changes))
    assert row["tradable"] is False
    assert reason in row["why"]


def test_tradable_pairs_come_first_and_top_cuts() -> None:
    stale = named("aaausd", pair(0.05, book=replace(DEEP, synced=False)))
    calm = named("bbbusd", pair(0.004))
    assert [row["symbol"] for row in ranked(stale, calm)] == ["bbbusd", "aaausd"]
    assert [row["symbol"] for row in ranked(stale, calm, top=1)] == ["bbbusd"]
    assert ranked(stale, calm, top=0) == []


def test_pair_without_book_or_dollar_value_is_left_out() -> None:
    assert ranked(pair(0.01, book=book(bids=()))) == []
    assert ranked(pair(0.01), usd_rates={}) == []


def test_lower_fees_raise_the_score() -> None:
    (dear,), (cheap,) = (
        ranked(pair(0.004)),
        ranked(pair(0.004), fees=FeeTier(maker_bps=D(0), taker_bps=D(10))),
    )
    assert D(cheap["score"]) > D(dear["score"])


def test_depth_is_the_thinner_side_within_the_band() -> None:
    view = book(
        bids=(Level(D(59990), D(1)), Level(D(59000), D(100))),
        asks=(Level(D(60010), D(2)), Level(D(60100), D(1))),
    )
    assert depth_usd(view, D(1)) == D(59990)
    assert depth_usd(view, D(2)) == D(119980)
    assert depth_usd(book(bids=()), D(1)) == 0
    assert selector.METHOD
