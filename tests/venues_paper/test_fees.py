from decimal import Decimal

import pytest

from tests.venues_paper.signed import Client
from venues.paper.matching.candles import DAY_MS
from venues.paper.matching.fees import PERPETUAL_TIERS, STABLE, tier_on
from venues.paper.matching.ledger import TIERS, tier_for
from venues.paper.matching.listings import SEEDED_LISTINGS
from venues.paper.server import RunningExchange

D = Decimal
LISTED = {each.symbol: each for each in SEEDED_LISTINGS}


@pytest.mark.parametrize("own", TIERS)
def test_stable_pairs_and_perpetuals_have_schedules_of_their_own(own) -> None:
    assert tier_on(LISTED["btcusd"], own) is own
    assert tier_on(LISTED["usdcusd"], own) is STABLE
    assert tier_on(LISTED["btcusdt"], own) is own
    perpetual = tier_on(LISTED["btcgusdperp"], own)
    assert perpetual in PERPETUAL_TIERS
    assert perpetual.volume <= own.volume


def test_tiers_begin_at_their_volume() -> None:
    assert (tier_for(D("9999.99")).taker_bps, tier_for(D(10_000)).taker_bps) == (40, 30)
    assert tier_for(D(10**12)).taker_bps == 3


async def test_tier_moves_with_the_volume_at_midnight_only(
    running: RunningExchange, stranger: Client
) -> None:
    for side in ("sell", "buy", "sell"):
        book = await stranger.get("/v1/book/btcusd")
        best = D(book["bids" if side == "sell" else "asks"][0]["price"])
        limit = best * (D("0.98") if side == "sell" else D("1.02"))
        order = await stranger.order(
            side=side, amount="0.07", price=str(limit.quantize(D("0.01"))), options=["immediate-or-cancel"]
        )
        assert order["executed_amount"] == "0.07"
    before = await stranger.post("/v1/notionalvolume")
    assert (before["api_maker_fee_bps"], before["api_taker_fee_bps"]) == (20, 40)
    assert before["notional_30d_volume"] == 0
    assert before["fee_tier"] == {"tier": 0, "api_maker_fee_bps": 20, "api_taker_fee_bps": 40}
    running.exchange.timeline.advance(DAY_MS)
    after = await stranger.post("/v1/notionalvolume")
    assert (after["api_maker_fee_bps"], after["api_taker_fee_bps"]) == (10, 30)
    assert after["notional_30d_volume"] > 10_000
    assert after["date"] > before["date"]
    assert after["last_updated_ms"] - before["last_updated_ms"] == DAY_MS
    [day] = after["notional_1d_volume"]
    assert (day["date"], day["notional_volume"]) == (before["date"], after["notional_30d_volume"])
    await stranger.order(side="sell", amount="0.001", price="60000.00")
    [trade] = await stranger.post("/v1/mytrades", limit_trades=1)
    assert D(trade["fee_amount"]) == D(trade["price"]) * D(trade["amount"]) * D("0.003")
    running.exchange.timeline.advance(31 * DAY_MS)
    assert (await stranger.post("/v1/notionalvolume"))["api_taker_fee_bps"] == 40


async def test_socket_that_stays_open_over_midnight_trades_at_the_new_tier(
    running: RunningExchange, stranger: Client
) -> None:
    exchange = running.exchange
    account = exchange.accounts["stranger"]
    await stranger.order(side="sell", amount="0.2", price="62000.00", options=["immediate-or-cancel"])
    assert account.tier.taker_bps == 40
    exchange.timeline.advance(DAY_MS)
    exchange.note_message(exchange.keys[stranger.key])
    assert account.tier.taker_bps == 30


async def test_fees_on_one_symbol_are_shown_and_charged(stranger: Client) -> None:
    stable = await stranger.post("/v1/notionalvolume", symbol="usdcusd")
    assert (stable["api_maker_fee_bps"], stable["api_taker_fee_bps"]) == (0, 1)
    perpetual = await stranger.post("/v1/notionalvolume", symbol="btcgusdperp")
    assert (perpetual["api_maker_fee_bps"], perpetual["api_taker_fee_bps"]) == (2, 7)
    order = await stranger.order(symbol="usdcusd", amount="100", price="1.02000")
    assert order["executed_amount"] == "100"
    for trade in await stranger.post("/v1/mytrades", symbol="usdcusd"):
        worth = D(trade["price"]) * D(trade["amount"])
        assert D(trade["fee_amount"]) == worth / 10_000


async def test_trade_volume_counts_by_symbol_and_day(running: RunningExchange, stranger: Client) -> None:
    assert await stranger.post("/v1/tradevolume") == [[]]
    bid = D((await stranger.get("/v1/book/btcusd"))["bids"][0]["price"])
    for _ in range(2):
        await stranger.order(side="sell", amount="0.01", price=str(bid - 200))
    running.exchange.timeline.advance(DAY_MS)
    await stranger.order(symbol="ethusd", side="sell", amount="1", price="1000.00", options=["fill-or-kill"])
    trades = await stranger.post("/v1/mytrades")
    [rows] = await stranger.post("/v1/tradevolume")
    assert [(row["symbol"], row["data_date"]) for row in rows] == [
        ("ethusd", "2026-11-21"),
        ("btcusd", "2026-11-20"),
    ]
    row = rows[1]
    mine = [trade for trade in trades if trade["symbol"] == "BTCUSD"]
    assert row["sell_taker_count"] == len(mine)
    assert D(str(row["sell_taker_base"])) == D(str(row["total_volume_base"])) == D("0.02")
    worth = sum(D(trade["price"]) * D(trade["amount"]) for trade in mine)
    assert row["sell_taker_notional"] == pytest.approx(float(worth))
    assert (row["buy_maker_count"], row["maker_buy_sell_ratio"]) == (0, 0)
    assert (row["base_currency"], row["notional_currency"]) == ("BTC", "USD")
