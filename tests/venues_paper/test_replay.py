import asyncio
import gzip
import json
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from domain.clock import SystemClock
from domain.errors import BadInputError
from domain.instrument import Side
from domain.order import OrderType
from tests.venues_paper.signed import Client
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account
from venues.paper.matching.orders import Order, OrderRequest
from venues.paper.opening import Opening, open_exchange
from venues.paper.server import running_exchange
from venues.paper.world.queue_position import queue_position
from venues.paper.world.recording import open_recording
from venues.paper.world.replay import RecordedWorld
from venues.paper.world.timeline import UNPACED

D = Decimal


def opened(tmp_path: Path, path: Path) -> Exchange:
    return open_exchange(
        Opening(home=tmp_path / "home", clock=SystemClock(), seed=1, speed=D(0), replay=path)
    )


def world_of(exchange: Exchange) -> RecordedWorld:
    assert isinstance(exchange.world, RecordedWorld)
    return exchange.world


def play_out(exchange: Exchange) -> int:
    steps = 0
    while not world_of(exchange).is_finished:
        exchange.step()
        steps += 1
        for market in exchange.engine.markets.values():
            bid, ask = market.book.bids.best, market.book.asks.best
            assert bid is None or ask is None or bid < ask
    return steps


def book_of(path: Path) -> dict[tuple[str, str], dict[Decimal, Decimal]]:
    """The final levels of a recording, put together without any code of ours."""
    books: dict[tuple[str, str], dict[Decimal, Decimal]] = {}
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        if line.startswith("{"):
            envelope = json.loads(line)
            text = envelope["data"] if envelope["t"] == "recv" else "{}"
        else:
            text = line.partition(": ")[2] if line[:1].isdigit() else "{}"
        message = json.loads(text)
        if message.get("type") == "l2_updates":
            for side, price, size in message["changes"]:
                level = books.setdefault((message["symbol"].lower(), side), {})
                level[D(price)] = D(size)
                if not D(size):
                    del level[D(price)]
    return books


@pytest.mark.parametrize("name", ["gemini_v2_20260809_a.jsonl.gz", "gemini_v2_20210417.txt.gz"])
def test_real_recording_ends_in_its_own_last_book(tmp_path: Path, recordings: Path, name: str) -> None:
    path = recordings / "recordings" / "ws" / name
    exchange = opened(tmp_path, path)
    assert play_out(exchange) > 5
    for (symbol, side), levels in book_of(path).items():
        if symbol.endswith("perp"):
            assert symbol not in exchange.engine.markets
            continue
        ours = exchange.engine.markets[symbol].book.side(Side(side)).levels
        assert {price: level.total for price, level in ours.items()} == levels
    assert world_of(exchange).line == f"replay of {name}"
    for _ in range(100):
        exchange.step()
    assert "seeded makers go on" in world_of(exchange).line
    for market in exchange.engine.markets.values():
        assert market.book.bids.best < market.book.asks.best
    exchange.close()


async def test_replay_of_2026_lists_its_symbols_and_final_tops(
    tmp_path: Path, recordings: Path, http: httpx.AsyncClient
) -> None:
    path = recordings / "recordings" / "ws" / "gemini_v2_20260809_a.jsonl.gz"
    async with running_exchange(home=tmp_path / "home", replay=path) as running:
        assert (await http.get(running.url + "/v1/symbols")).json() == [
            "btceur",
            "btcusd",
            "btcusdt",
            "solusd",
        ]
        details = (await http.get(running.url + "/v1/symbols/details/solusd")).json()
        assert (details["quote_increment"], details["tick_size"], details["min_order_size"]) == (
            0.001, 0.000001, "0.001",
        )  # fmt: skip
        trades = (await http.get(running.url + "/v1/trades/btcusd?limit_trades=500")).json()
        assert len(trades) >= 100
        assert trades[0]["timestampms"] <= running.exchange.timeline.now_ms()
        client = Client(running.url, running.stranger.api_key, running.stranger.api_secret, http)
        ask = running.book("btcusd").asks.best
        order = await client.order(amount="0.01", price=str(ask + 1))
        assert order["executed_amount"] == "0.01"
        resting = await client.order(amount="0.01", price="60000.00")
        play_out(running.exchange)
        tops = {s: (running.book(s).bids.best, running.book(s).asks.best) for s in ("btcusd", "solusd")}
        assert tops == {"btcusd": (D("65206.28"), D("65206.29")), "solusd": (D("77.423"), D("77.439"))}
        assert (await client.post("/v1/order/status", order_id=resting["order_id"]))["is_live"] is True
        candles = (await http.get(running.url + "/v2/candles/solusd/1m")).json()
        assert len(candles) >= 1440


@pytest.mark.parametrize("name", ["gemini_v2_20260809_a.jsonl.gz", "gemini_v2_20210417.txt.gz"])
async def test_recording_without_pacing_runs_through_to_its_last_book(
    tmp_path: Path, recordings: Path, name: str, http: httpx.AsyncClient
) -> None:
    path = recordings / "recordings" / "ws" / name
    async with running_exchange(home=tmp_path / "home", replay=path, speed=UNPACED) as running:
        start_ms = running.exchange.timeline.now_ms()
        while not world_of(running.exchange).is_finished:
            await asyncio.sleep(0)  # a look at every turn of the loop, before real time goes on
        played_ms = running.exchange.timeline.now_ms() - start_ms
        for (symbol, side), levels in book_of(path).items():
            if not symbol.endswith("perp"):
                ours = running.book(symbol).side(Side(side)).levels
                assert {price: level.total for price, level in ours.items()} == levels
        assert played_ms > 2_000
        assert (await http.get(running.url + "/v1/symbols")).status_code == 200
        assert running.exchange.timeline.now_ms() - start_ms < played_ms + 5_000, "real time goes on"


async def test_unpaced_exchange_without_a_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="--replay"):
        async with running_exchange(home=tmp_path / "home", speed=UNPACED):
            pass


def test_replay_of_2021_derives_unknown_instruments(recordings: Path) -> None:
    recording = open_recording(recordings / "recordings" / "ws" / "gemini_v2_20210417.txt.gz")
    assert len(recording.instruments) == 10
    bal = recording.instruments["balusd"]
    assert (bal.base, bal.quote, bal.price_tick, bal.amount_step) == (
        "BAL",
        "USD",
        D("0.0001"),
        D("0.000001"),
    )
    assert recording.instruments["btcusd"].price_tick == D("0.01")


# A small recording of our own, to the millisecond


def l2(*changes: tuple[str, str, str], **more: object) -> dict[str, object]:
    return {"type": "l2_updates", "symbol": "LTCUSD", "changes": changes, **more}


def trade(price: str, amount: str, side: str) -> dict[str, object]:
    return {
        "type": "trade", "symbol": "LTCUSD", "event_id": 1, "timestamp": 5,
        "price": price, "quantity": amount, "side": side,
    }  # fmt: skip


SNAPSHOT = l2(
    ("buy", "50.00", "4"), ("buy", "49.90", "9"), ("sell", "50.10", "4"), trades=[], auction_events=[]
)


def write(path: Path, frames: list[tuple[float, object]]) -> Path:
    lines = [f"{at}: {json.dumps(frame)}" for at, frame in frames]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def place(exchange: Exchange, side: Side, amount: str, price: str) -> Order:
    account: Account = next(a for a in exchange.accounts.values() if a.name == "desk")
    with exchange.operation():
        request = OrderRequest(
            symbol="ltcusd", side=side, type=OrderType.LIMIT, amount=D(amount), price=D(price)
        )
        return exchange.engine.place(account, request)


def test_our_order_queues_behind_the_recorded_size_and_before_what_comes_later(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.gz",
        [
            (1.0, SNAPSHOT),
            (2.0, l2(("buy", "50.00", "6"))),
            (3.0, l2(("buy", "50.00", "5"))),
            (4.0, trade("50.00", "4.5", "sell")),
            (4.0, l2(("buy", "50.00", "0.5"))),
            (5.0, trade("50.00", "1", "sell")),
        ],
    )
    exchange = opened(tmp_path, path)
    ours = place(exchange, Side.BUY, "1", "50.00")
    exchange.step()
    exchange.step()
    level = exchange.engine.markets["ltcusd"].book.bids.levels[D("50.00")]
    assert [order.remaining for order in level.orders.values()] == [4, 1, 2]
    exchange.step()
    exchange.step()
    assert [order.remaining for order in level.orders.values()] == [D("3.33334"), 1, D("1.66666")]
    stands = queue_position(exchange.engine.markets["ltcusd"], ours)
    assert stands == (D("3.33334"), D("3.33334"), D("1.66666")), (
        "a cancel thins the queue on both sides of us"
    )
    exchange.step()
    exchange.step()
    assert ours.remaining == 0, "the trade took what was before us, then ours"
    play_out(exchange)
    assert level.total == 0
    exchange.close()


def test_trade_moves_us_up_by_what_it_took_and_its_own_level_update_by_nothing(tmp_path: Path) -> None:
    frames = [
        (1.0, SNAPSHOT),
        (2.0, l2(("buy", "50.00", "6"))),
        (3.0, trade("50.00", "1.5", "sell")),
        (3.1, l2(("buy", "50.00", "4.5"))),
        (5.0, l2(("buy", "50.00", "2.25"))),
    ]
    exchange = opened(tmp_path, write(tmp_path / "r.gz", frames))
    market = exchange.engine.markets["ltcusd"]
    ours = place(exchange, Side.BUY, "1", "50.00")
    assert queue_position(market, ours) == (4, 4, 0)
    seen = []
    while not world_of(exchange).is_finished:
        exchange.step()
        seen.append(tuple(queue_position(market, ours))[::2])
    assert list(dict.fromkeys(seen)) == [(4, 2), (D("2.5"), D("3.5")), (D("2.5"), 2), (D("1.25"), 1)]
    exchange.close()


def test_two_trades_told_of_by_two_updates_are_not_taken_for_cancels(tmp_path: Path) -> None:
    frames = [
        (1.0, SNAPSHOT),
        (2.0, trade("50.00", "1", "sell")),
        (2.0, trade("50.00", "2", "sell")),
        (2.1, l2(("buy", "50.00", "3"))),
        (2.1, l2(("buy", "50.00", "1"))),
    ]
    exchange = opened(tmp_path, write(tmp_path / "r.gz", frames))
    ours = place(exchange, Side.BUY, "1", "50.00")
    play_out(exchange)
    assert queue_position(exchange.engine.markets["ltcusd"], ours) == (1, 1, 0)
    exchange.close()


def test_level_that_shrinks_long_after_a_trade_was_cancelled(tmp_path: Path) -> None:
    frames = [
        (1.0, SNAPSHOT),
        (2.0, trade("50.00", "2", "sell")),
        (4.0, l2(("buy", "50.00", "3"))),
    ]
    exchange = opened(tmp_path, write(tmp_path / "r.gz", frames))
    ours = place(exchange, Side.BUY, "1", "50.00")
    play_out(exchange)
    assert queue_position(exchange.engine.markets["ltcusd"], ours) == (D("1.5"), D("1.5"), D("1.5"))
    exchange.close()


def test_line_says_how_much_stands_before_our_newest_order(tmp_path: Path) -> None:
    exchange = opened(
        tmp_path, write(tmp_path / "r.gz", [(1.0, SNAPSHOT), (60.0, l2(("buy", "50.00", "2")))])
    )
    place(exchange, Side.BUY, "1", "49.90")
    place(exchange, Side.BUY, "1", "50.00")
    for _ in range(10):
        exchange.step()
    assert world_of(exchange).line == (
        "replay of r.gz; about 4 LTC stand before our newest order, buy ltcusd at 50"
    )
    exchange.close()


def test_recorded_level_that_crosses_our_order_trades_at_our_price(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.gz", [(1.0, SNAPSHOT), (2.0, l2(("sell", "50.02", "0.4"), ("sell", "50.10", "0")))]
    )
    exchange = opened(tmp_path, path)
    ours = place(exchange, Side.BUY, "1", "50.05")
    play_out(exchange)
    [execution] = exchange.store.executions_of(ours.id)
    assert (execution.price, execution.amount, execution.is_maker) == (D("50.05"), D("0.4"), True)
    assert exchange.engine.markets["ltcusd"].book.asks.best is None
    exchange.close()


def test_recorded_trade_away_from_the_book_is_still_printed(tmp_path: Path) -> None:
    path = write(tmp_path / "r.gz", [(1.0, SNAPSHOT), (2.0, trade("50.05", "3", "buy"))])
    exchange = opened(tmp_path, path)
    play_out(exchange)
    market = exchange.engine.markets["ltcusd"]
    assert [(p.price, p.amount, p.side) for p in market.prints] == [(D("50.05"), 3, Side.BUY)]
    assert market.last == D("50.05")
    exchange.close()


def test_second_snapshot_replaces_the_book(tmp_path: Path) -> None:
    again = l2(("buy", "50.00", "1"), ("sell", "50.20", "2"), trades=[], auction_events=[])
    exchange = opened(tmp_path, write(tmp_path / "r.gz", [(1.0, SNAPSHOT), (2.0, again)]))
    play_out(exchange)
    book = exchange.engine.markets["ltcusd"].book
    assert (book.bids.depth(0), book.asks.depth(0)) == ([(D("50.00"), D(1))], [(D("50.20"), D(2))])
    exchange.close()


def test_makers_pull_recorded_orders_that_the_price_has_passed(tmp_path: Path) -> None:
    exchange = opened(tmp_path, write(tmp_path / "r.gz", [(1.0, SNAPSHOT)]))
    market = exchange.engine.markets["ltcusd"]
    for _ in range(2000):
        exchange.step()
        fair = world_of(exchange)._successors.fair_prices()["ltcusd"]
        assert market.book.bids.best < fair + D("0.05")
        assert market.book.asks.best > fair - D("0.05")
    exchange.close()


def test_order_of_a_market_that_is_gone_is_closed_as_such(tmp_path: Path) -> None:
    path = write(tmp_path / "r.gz", [(1.0, SNAPSHOT)])
    home = tmp_path / "home"
    seeded = open_exchange(Opening(home=home, clock=SystemClock(), seed=1, speed=D(0)))
    account = next(a for a in seeded.accounts.values() if a.name == "desk")
    with seeded.operation():
        order = seeded.engine.place(
            account,
            OrderRequest(
                symbol="btcusd", side=Side.BUY, type=OrderType.LIMIT, amount=D("0.01"), price=D(50_000)
            ),
        )
    seeded.close()
    replayed = opened(tmp_path, path)
    account = next(a for a in replayed.accounts.values() if a.name == "desk")
    found = replayed.store.order(account, order.id)
    assert (found.is_live, found.reason) == (False, "MarketClosed")
    assert account.fund("USD").held == 0
    replayed.close()


def test_order_that_a_recording_has_passed_trades_with_it_and_crosses_nothing(tmp_path: Path) -> None:
    exchange = opened(
        tmp_path, write(tmp_path / "r.gz", [(1.0, SNAPSHOT), (60.0, l2(("buy", "50.00", "2")))])
    )
    ours = place(exchange, Side.BUY, "1", "50.05")
    exchange.close()
    lower = l2(
        ("buy", "49.00", "4"), ("sell", "50.00", "0.25"), ("sell", "50.10", "4"), trades=[], auction_events=[]
    )
    exchange = opened(tmp_path, write(tmp_path / "s.gz", [(1.0, lower), (60.0, l2(("buy", "49.00", "2")))]))
    [execution] = exchange.store.executions_of(ours.id)
    assert (execution.price, execution.amount, execution.is_maker) == (D(50), D("0.25"), False)
    book = exchange.engine.markets["ltcusd"].book
    assert (book.bids.best, book.asks.best) == (D("50.05"), D("50.10"))
    usd = exchange.accounts["desk"].fund("USD")
    assert (usd.amount, usd.held) == (10_000 - D("12.5") * D("1.004"), D("0.75") * D("50.05") * D("1.004"))
    exchange.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1f\x8b\x08\x00broken",
        gzip.compress(b"1.0: " + json.dumps(SNAPSHOT).encode())[:-20],
        b"1.0: {not json}\n",
        b"hello\n",
        b"\xff\xfe\x00",
        b'1.0: {"type":"l2_updates","symbol":"LTCUSD","changes":[["buy","NaN","1"]]}',
        b'1.0: {"type":"l2_updates","symbol":"LTCUSD","changes":[["buy","1e400","1"]]}',
        b'1.0: {"type":"l2_updates","symbol":"LTCUSD","changes":[["up","1","1"]]}',
        b'1.0: {"type":"l2_updates","symbol":"BTCUSDPERP","changes":[["buy","1","1"]]}',
        b'{"t":"recv","ts":"x","data":"{}"}',
        b'{"t":"recv"}',
    ],
)
def test_unreadable_recording_is_bad_input(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "r.gz"
    path.write_bytes(content)
    with pytest.raises(BadInputError) as error:
        open_recording(path)
    assert error.value.code == "RECORDING_UNREADABLE"
    assert error.value.cure


def test_recording_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        open_recording(tmp_path / "missing.gz")
