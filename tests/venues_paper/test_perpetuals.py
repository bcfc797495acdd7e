from decimal import Decimal

import pytest

from tests.venues_paper.signed import ORDER, Client
from venues.paper.matching.listings import SEEDED_LISTINGS
from venues.paper.matching.perpetuals import HOUR_MS, funding, mark_price
from venues.paper.server import RunningExchange

D = Decimal
PERPS = [each.symbol for each in SEEDED_LISTINGS if not each.instrument.is_spot]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("symbol", PERPS)
async def test_swap_is_listed_quoted_and_near_its_index(shared_desk: Client, symbol: str) -> None:
    details = await shared_desk.get(f"/v1/symbols/details/{symbol}")
    assert (details["product_type"], details["contract_type"]) == ("swap", "linear")
    assert (details["quote_currency"], details["contract_price_currency"]) == ("GUSD", "GUSD")
    stats = await shared_desk.get(f"/v1/riskstats/{symbol.upper()}")
    assert stats["product_type"] == "PerpetualSwapContract"
    spot = D((await shared_desk.get(f"/v1/pubticker/{details['base_currency'].lower()}usd"))["bid"])
    book = await shared_desk.get(f"/v1/book/{symbol}")
    for price in (stats["index_price"], stats["mark_price"], book["bids"][0]["price"]):
        assert abs(D(price) / spot - 1) < D("0.004")
    tick = D(str(details["quote_increment"]))
    assert D(stats["mark_price"]) % tick == 0
    worth = D(stats["open_interest"]) * D(stats["mark_price"])
    assert D(stats["open_interest_notional"]) == worth.quantize(D("0.01"))
    assert D(stats["open_interest"]) % D(str(details["tick_size"])) == 0


async def test_funding_is_paid_every_hour(running: RunningExchange, desk: Client) -> None:
    before = await desk.get("/v1/fundingamount/BTCGUSDPERP")
    assert before["symbol"] == "btcgusdperp"
    assert before["fundingDateTime"] == "2026-11-20T08:00:00.000Z"
    assert before["nextFundingTimestamp"] - before["fundingTimestampMilliSecs"] == HOUR_MS
    assert await desk.get("/v1/nextfundingtimestamp/btcgusdperp") == before["nextFundingTimestamp"]
    running.exchange.timeline.advance(HOUR_MS)
    after = await desk.get("/v1/fundingamount/btcgusdperp")
    assert after["fundingTimestampMilliSecs"] == before["nextFundingTimestamp"]
    assert after["fundingAmount"] == before["estimatedFundingAmount"]


def test_funding_and_premium_move_together(running: RunningExchange) -> None:
    engine = running.exchange.engine
    for hour in range(480_000, 480_020):
        stands = funding(engine, "btcgusdperp", hour * HOUR_MS)
        premium = mark_price(engine, "btcgusdperp", hour * HOUR_MS) / mark_price_without(engine) - 1
        assert abs(premium) < D("0.0003")
        assert (premium > 0) == (stands.estimate > 0) or abs(premium) < D("0.00002")
        assert abs(stands.rate) < D("0.00003")


def mark_price_without(engine) -> Decimal:
    return engine.markets["btcusd"].book.mid


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/v1/riskstats/nope", 400, "InvalidSymbol"),
        ("/v1/riskstats/btcusd", 400, "InvalidSymbol"),
        ("/v2/derivatives/candles/btcusd/1m", 400, "InvalidSymbol"),
        ("/v2/derivatives/candles/nope/1m", 400, "InvalidSymbol"),
        ("/v2/derivatives/candles/btcgusdperp/1h", 400, "Bad Request"),
        ("/v1/feepromos", 404, "EndpointNotFound"),
    ],
)
async def test_unknown_swap_is_refused(shared_desk: Client, path: str, status: int, reason: str) -> None:
    answer = await shared_desk.http.get(shared_desk.url + path)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("call", ["fundingamount", "nextfundingtimestamp"])
@pytest.mark.parametrize("symbol", ["nope", "btcusd"])
async def test_unknown_swap_has_no_funding_and_no_body(shared_desk: Client, call: str, symbol: str) -> None:
    answer = await shared_desk.http.get(f"{shared_desk.url}/v1/{call}/{symbol}")
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.asyncio(loop_scope="module")
async def test_swap_has_a_day_of_minutes_that_follow_the_spot_market(shared_desk: Client) -> None:
    swap = {row[0]: row for row in await shared_desk.get("/v2/derivatives/candles/ethgusdperp/1m")}
    spot = {row[0]: row for row in await shared_desk.get("/v2/candles/ethusd/1m")}
    shared = swap.keys() & spot.keys()
    assert len(shared) >= 1440
    assert all(abs(swap[at][4] / spot[at][4] - 1) < 0.01 for at in shared)


@pytest.mark.asyncio(loop_scope="module")
async def test_spot_account_may_not_trade_a_swap(shared_desk: Client) -> None:
    order = {**ORDER, "symbol": "btcgusdperp", "amount": "0.001", "price": "60000.0"}
    assert await shared_desk.refused("/v1/order/new", **order) == (400, "AccountNotOfTypeRequired")


async def test_fee_promotions_answer_when_switched_on(running: RunningExchange, desk: Client) -> None:
    with running.exchange.operation():
        running.exchange.documents.put("fee promo", "ethbtc", "", {"symbol": "ethbtc"})
    assert await desk.get("/v1/feepromos") == {"symbols": ["ethbtc"]}
