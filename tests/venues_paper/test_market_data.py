import json
from decimal import Decimal
from itertools import pairwise

import pytest

from domain.instrument import Side
from tests.venues_paper.signed import Client
from venues.paper.matching.candles import KEPT_MINUTES, MINUTE_MS
from venues.paper.matching.orders import Print

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVELY = {
    "btcusd", "ethusd", "solusd", "ltcusd", "xrpusd", "dogeusd",
    "linkusd", "bchusd", "avaxusd", "ethbtc", "btcgusd", "ethgusd",
}  # fmt: skip
QUIET = {
    "btcusdt", "btceur", "btcgbp", "btcsgd", "ethusdt", "etheur", "solbtc", "ltcbtc", "linkbtc", "dotusd",
    "uniusd", "aaveusd", "atomusd", "filusd", "shibusd", "pepeusd", "zecusd", "paxgusd", "batusd", "compusd",
    "crvusd", "injusd", "usdcusd", "usdtusd", "daiusd", "xtzusd", "yfiusd", "hypeusd", "trxusd", "bnbusd",
}  # fmt: skip
PERPS = {"btcgusdperp", "ethgusdperp", "solgusdperp", "xrpgusdperp", "dogegusdperp"}
LISTED = LIVELY | QUIET | PERPS | {"gusdusd"}


async def test_symbols_are_what_trades(shared_desk: Client) -> None:
    assert set(await shared_desk.get("/v1/symbols")) == LISTED


async def test_details_carry_increments_and_no_contract_currency(shared_desk: Client) -> None:
    details = await shared_desk.get("/v1/symbols/details/ethbtc")
    assert details == {
        "symbol": "ETHBTC",
        "base_currency": "ETH",
        "quote_currency": "BTC",
        "tick_size": 0.000001,
        "quote_increment": 0.00001,
        "min_order_size": "0.001",
        "status": "open",
        "wrap_enabled": False,
        "product_type": "spot",
        "contract_type": "vanilla",
    }
    everything = await shared_desk.get("/v1/symbols/details/all")
    assert {row["symbol"].lower() for row in everything} == LISTED
    assert (await shared_desk.http.get(shared_desk.url + "/v1/symbols/details/btcusd")).text.count("e-") == 0


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/v1/symbols/details/nope", "InvalidSymbol"),
        ("/v1/book/nope", "Bad Request"),
        ("/v1/book/btcu%C5%BFd", "Bad Request"),
        ("/v1/pubticker/nope", "Bad Request"),
        ("/v2/ticker/nope", "Bad Request"),
        ("/v2/candles/btcusd/2m", "Bad Request"),
        ("/v1/trades/nope", "Bad Request"),
        ("/v1/book/btcusd?limit_bids=x", "InvalidParameterValue"),
        ("/v1/book/btcusd?limit_asks=-1", "InvalidParameterValue"),
        ("/v1/trades/btcusd?limit_trades=501", "InvalidParameterValue"),
        ("/v1/trades/btcusd?since_tid=abc", "InvalidParameterValue"),
        ("/v1/trades/btcusd?timestamp=soon", "InvalidTimestampInPayload"),
    ],
)
async def test_faulty_public_call_is_refused(shared_desk: Client, path: str, reason: str) -> None:
    answer = await shared_desk.http.get(shared_desk.url + path)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)


async def test_book_is_ordered_deep_and_on_the_tick(shared_desk: Client) -> None:
    for symbol in LISTED - {"gusdusd"}:
        book = await shared_desk.get(f"/v1/book/{symbol}?limit_bids=0&limit_asks=0")
        bids = [Decimal(row["price"]) for row in book["bids"]]
        asks = [Decimal(row["price"]) for row in book["asks"]]
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert bids[0] < asks[0]
        assert min(len(bids), len(asks)) >= (6 if symbol in LIVELY else 3)
        assert all(Decimal(row["amount"]) > 0 for row in book["bids"] + book["asks"])
    limited = await shared_desk.get("/v1/book/btcusd?limit_bids=2&limit_asks=3")
    assert (len(limited["bids"]), len(limited["asks"])) == (2, 3)


async def test_bitcoin_spread_is_about_a_basis_point(shared_desk: Client) -> None:
    book = await shared_desk.get("/v1/book/btcusd?limit_bids=1&limit_asks=1")
    bid, ask = Decimal(book["bids"][0]["price"]), Decimal(book["asks"][0]["price"])
    assert Decimal("0.1") < (ask - bid) / bid * 10_000 < 4


async def test_cross_prices_are_consistent(shared_desk: Client) -> None:
    price = {row["pair"]: Decimal(row["price"]) for row in await shared_desk.get("/v1/pricefeed")}
    assert abs(price["ETHBTC"] / (price["ETHUSD"] / price["BTCUSD"]) - 1) < Decimal("0.005")
    assert abs(price["BTCGUSD"] / price["BTCUSD"] - 1) < Decimal("0.005")


async def test_trades_come_newest_first_and_page_forward(shared_desk: Client) -> None:
    for _ in range(60):
        await shared_desk.get("/v1/symbols")
    trades = await shared_desk.get("/v1/trades/btcusd?limit_trades=500")
    tids = [row["tid"] for row in trades]
    assert tids == sorted(tids, reverse=True)
    assert set(trades[0]) == {"timestamp", "timestampms", "tid", "price", "amount", "exchange", "type"}
    page = await shared_desk.get(f"/v1/trades/btcusd?since_tid={tids[-1]}&limit_trades=3")
    assert [row["tid"] for row in page] == tids[-4:-1]
    since = trades[-3]["timestampms"]
    page = await shared_desk.get(f"/v1/trades/btcusd?timestamp={since}&limit_trades=2")
    assert [row["tid"] for row in page] == [row["tid"] for row in trades if row["timestampms"] >= since][-2:]


@pytest.mark.parametrize("limit", [1, 2, 4, 500])
async def test_walk_over_trades_of_one_moment_meets_each_once(
    shared, shared_desk: Client, limit: int
) -> None:
    exchange = shared[0].exchange
    now_ms, prints = exchange.timeline.now_ms(), exchange.engine.markets["gusdusd"].prints  # its own are none
    moments = [3, 1, 5, 2, 1]
    for number, at_ms in enumerate(now_ms - 9 + i for i, ties in enumerate(moments) for _ in range(ties)):
        prints.append(Print(1000 + number, at_ms, Decimal(1), Decimal(1), Side.BUY))
    wanted = [trade.tid for trade in prints]
    try:
        path = f"/v1/trades/gusdusd?limit_trades={limit}"
        by_time: list[int] = []
        since = 0
        while page := await shared_desk.get(f"{path}&timestamp={since}"):
            by_time += [row["tid"] for row in reversed(page)]
            since = page[0]["timestampms"] + 1
        by_tid: list[int] = []
        while page := await shared_desk.get(f"{path}&since_tid={by_tid[-1] if by_tid else 0}"):
            by_tid += [row["tid"] for row in reversed(page)]
        assert by_time == by_tid == wanted
    finally:
        prints.clear()


async def test_candles_cover_a_day_and_agree_across_frames(shared_desk: Client) -> None:
    minutes = await shared_desk.get("/v2/candles/btcusd/1m")
    starts = [row[0] for row in minutes]
    assert 1440 <= len(minutes) <= KEPT_MINUTES
    assert all(later - earlier == MINUTE_MS for later, earlier in pairwise(starts))
    assert all(low <= min(o, c) and high >= max(o, c) for _, o, high, low, c, _ in minutes)
    hours = await shared_desk.get("/v2/candles/btcusd/1h")
    assert hours[1:] == (await shared_desk.get("/v2/candles/btcusd/1hr"))[1:]
    start = hours[1][0]
    inside = [row for row in minutes if start <= row[0] < start + 60 * MINUTE_MS]
    assert hours[1][1:5] == [
        inside[-1][1],
        max(r[2] for r in inside),
        min(r[3] for r in inside),
        inside[0][4],
    ]
    assert hours[1][5] == pytest.approx(sum(row[5] for row in inside))


async def test_tickers_agree_with_the_book_and_the_candles(shared_desk: Client) -> None:
    ticker = await shared_desk.get("/v2/ticker/ethusd")
    assert len(ticker["changes"]) == 24
    assert Decimal(ticker["low"]) <= Decimal(ticker["close"]) <= Decimal(ticker["high"])
    assert Decimal(ticker["bid"]) < Decimal(ticker["ask"])
    pub = await shared_desk.get("/v1/pubticker/ethusd")
    assert set(pub) == {"bid", "ask", "last", "volume"}
    assert set(pub["volume"]) == {"ETH", "USD", "timestamp"}
    feed = {row["pair"]: row for row in await shared_desk.get("/v1/pricefeed")}
    opened = Decimal(ticker["open"])
    assert abs(
        Decimal(feed["ETHUSD"]["percentChange24h"]) - (Decimal(ticker["close"]) / opened - 1)
    ) < Decimal("0.001")


async def test_web_page_can_be_cut_as_a_stranger_cuts_it(shared_desk: Client) -> None:
    answer = await shared_desk.http.get(shared_desk.url + "/web/")
    text = answer.text.split('="currencyData">')[1].split("</script>")[0]
    data = json.loads(text)
    assert ["BTCUSD", 2, 8, "0.00001", 10, True] in data["tradingPairs"]
    assert ["ETHBTC", 5, 6, "0.001", 10, True] in data["tradingPairs"]
    by_code = {row[0]: row for row in data["currencies"]}
    assert by_code["USD"][7] is True
    assert by_code["BTC"][9] == "bitcoin"
