from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import ManualClock
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.signed import Client
from venues.paper.exchange import Exchange
from venues.paper.matching.candles import DAY_MS, MINUTE_MS, WINDOWS, Bar, CandleSeries, grouped
from venues.paper.opening import Opening, open_exchange
from venues.paper.world.past import WalkedPast

D = Decimal
DAYS = {"1m": 1, "5m": 1, "15m": 14, "30m": 14, "1h": 60, "6h": 60, "1d": 365}
MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "6h": 360, "1d": 1440}


def opened(home: Path, clock: ManualClock, seed: int = 5) -> Exchange:
    return open_exchange(Opening(home=home, clock=clock, seed=seed, speed=D(0)))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("width", DAYS)
@pytest.mark.parametrize(
    "symbol", ["btcusd", "ethbtc", "solbtc", "dotusd", "pepeusd", "usdcusd", "btcgusdperp"]
)
async def test_each_width_reaches_back_its_window_without_a_gap(
    shared_desk: Client, symbol: str, width: str
) -> None:
    rows = await shared_desk.get(f"/v2/candles/{symbol}/{width}")
    step = MINUTES[width] * MINUTE_MS
    assert all(newer[0] - older[0] == step for newer, older in pairwise(rows))
    assert all(row[0] % step == 0 for row in rows)
    assert DAYS[width] * DAY_MS - 2 * step <= rows[0][0] - rows[-1][0] <= (DAYS[width] + 1) * DAY_MS
    for _, opened_at, high, low, closed_at, volume in rows:
        assert 0 < low <= min(opened_at, closed_at) <= max(opened_at, closed_at) <= high
        assert volume >= 0


@pytest.mark.asyncio(loop_scope="module")
async def test_wider_candles_are_made_of_narrower_ones(shared_desk: Client) -> None:
    quarters = await shared_desk.get("/v2/candles/ethusd/15m")
    hours = {row[0]: row for row in await shared_desk.get("/v2/candles/ethusd/1h")}
    for start in [row[0] for row in quarters if row[0] % 3_600_000 == 0][1:-1]:
        inside = [row for row in quarters if start <= row[0] < start + 3_600_000]
        hour = hours[start]
        assert (hour[1], hour[4]) == (inside[-1][1], inside[0][4])
        assert (hour[2], hour[3]) == (max(r[2] for r in inside), min(r[3] for r in inside))
        assert hour[5] == pytest.approx(sum(r[5] for r in inside))


@pytest.mark.asyncio(loop_scope="module")
async def test_past_of_a_pair_follows_its_dollar_markets(shared_desk: Client) -> None:
    days = {
        symbol: {row[0]: row[4] for row in await shared_desk.get(f"/v2/candles/{symbol}/1d")}
        for symbol in ("solbtc", "solusd", "btcusd", "btceur")
    }
    for at in sorted(days["solbtc"])[:300]:
        assert days["solbtc"][at] == pytest.approx(days["solusd"][at] / days["btcusd"][at], rel=0.02)
        assert days["btceur"][at] == pytest.approx(days["btcusd"][at] / 1.16, rel=0.02)


def test_past_and_trades_are_the_same_after_a_restart(tmp_path: Path) -> None:
    home, clock = tmp_path / "home", ManualClock(MORNING)
    first = opened(home, clock)
    for _ in range(400):
        first.step()
    symbols = ("btcusd", "ethbtc", "dotusd", "solbtc", "dogegusdperp")
    before = {
        (symbol, width): first.engine.markets[symbol].candles.frame(width)[2:]
        for symbol in symbols
        for width in (1, 15, 60, 1440)
    }
    prints = {symbol: list(market.prints) for symbol, market in first.engine.markets.items()}
    lasts = {symbol: first.engine.markets[symbol].last for symbol, found in prints.items() if found}
    first.close()
    second = opened(home, clock, seed=6)
    for (symbol, width), bars in before.items():
        after = {bar.start_ms: bar for bar in second.engine.markets[symbol].candles.frame(width)}
        assert all(after[bar.start_ms] == bar for bar in bars if bar.start_ms in after)
        assert len(set(after) & {bar.start_ms for bar in bars}) >= len(bars) - 3
    for symbol, found in prints.items():
        assert list(second.engine.markets[symbol].prints)[: len(found)] == found
    for symbol, last in lasts.items():
        made_since = [trade.price for trade in second.engine.markets[symbol].prints][len(prints[symbol]) :]
        assert second.engine.markets[symbol].last == [last, *made_since][-1], "the last trade's price"
    assert len(prints["btcusd"]) > 50
    second.close()


async def test_trades_older_than_a_week_are_gone_and_the_oldest_can_be_asked_for(
    tmp_path: Path, running, desk: Client
) -> None:
    market = running.exchange.engine.markets["btcusd"]
    for _ in range(50):
        running.exchange.step()
    tids = [trade.tid for trade in market.prints]
    oldest = await desk.get("/v1/trades/btcusd?since_tid=0&limit_trades=3&include_breaks=true")
    assert [row["tid"] for row in oldest] == tids[2::-1]
    running.exchange.timeline.advance(7 * DAY_MS + MINUTE_MS)
    assert {row["tid"] for row in await desk.get("/v1/trades/btcusd?limit_trades=500")}.isdisjoint(tids)
    answer = await desk.http.get(desk.url + "/v1/trades/btcusd?include_breaks=maybe")
    assert (answer.status_code, answer.json()["reason"]) == (400, "InvalidParameterValue")


def test_candles_are_filled_and_dropped_over_weeks() -> None:
    series = CandleSeries(D("0.01"), D("0.001"))
    start_ms = 1_800_000_000_000 // DAY_MS * DAY_MS
    for hour in range(24 * 20):
        series.add(start_ms + hour * 3_600_000 + 90_000, D(100 + hour % 7), D(1))
    quarters, hours, days = series.frame(15), series.frame(60), series.frame(1440)
    assert [bar.volume for bar in hours[:5]] == [1000] * 5
    assert len(hours) == 24 * 20
    assert len(quarters) == WINDOWS[15] // 15
    assert [bar.volume for bar in days] == [24_000] * 20
    closed = series.take_closed()
    assert sum(1 for width, _ in closed if width == 1440) == 19
    assert series.take_closed() == []
    series.roll(start_ms + 40 * DAY_MS, D(100))
    series.roll(start_ms + 41 * DAY_MS, D(100))
    assert all(older.start_ms + DAY_MS == newer.start_ms for newer, older in pairwise(series.frame(1440)))


@settings(max_examples=40, deadline=None)
@given(
    end=st.integers(29_000_000, 29_100_000),
    ticks=st.integers(1, 10**9),
    minutes=st.sampled_from([0, 1440]),
    seed=st.text(max_size=5),
)
def test_walked_past_ends_where_it_must_and_has_no_hole(
    end: int, ticks: int, minutes: int, seed: str
) -> None:
    past = WalkedPast(
        seed=seed, end_ms=end * MINUTE_MS, ticks=ticks, lots_per_minute=5, minutes=minutes, is_still=False
    )
    for width in WINDOWS:
        bars = past.bars(width)
        assert bars[-1].close == ticks
        assert bars[-1].start_ms == (end * MINUTE_MS - 1) // (width * MINUTE_MS) * (width * MINUTE_MS)
        assert all(a.start_ms + width * MINUTE_MS == b.start_ms for a, b in pairwise(bars[-200:]))
        assert all(a.close == b.open for a, b in pairwise(bars))
        assert all(0 < b.low <= min(b.open, b.close) <= max(b.open, b.close) <= b.high for b in bars)
    assert len(past.bars(1)) == minutes


def test_grouping_joins_neighbours_of_one_period() -> None:
    bars = [Bar(at * MINUTE_MS, at + 1, at + 2, at, at + 1, 1) for at in range(7)]
    first, second = grouped(bars, 5)
    assert first == Bar(0, 1, 6, 0, 5, 5)
    assert second == Bar(5 * MINUTE_MS, 6, 8, 5, 7, 2)
