"""The whole client against the embedded exchange: every call, both sockets, the life of an order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from domain.clock import SystemClock
from domain.errors import OutcomeUnknownError, UnreachableError, VenueRejectedError
from domain.ids import ClientOrderId
from domain.instrument import Instrument, Side
from domain.order import ExecutionOption, OrderEvent, OrderEventType, VenueOrder
from guardrails.sandbox_lock import Endpoint, PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini.samples import draft, unhurried
from tests.venues_gemini.socket_server import background, until
from tools.order_builder import build
from venues.gemini.client import GeminiRest
from venues.gemini.market_feed import MarketFeed
from venues.gemini.order_feed import OrderFeed
from venues.gemini.session.nonce import NonceSource
from venues.gemini.session.pacing import Patience
from venues.gemini.signing import Credentials
from venues.paper.server import RunningExchange, running_exchange

HASTE = Patience(first_s=0.01, longest_s=0.05)
SECONDS = count(1)


@dataclass
class Account:
    """A client of the exchange and all that it needs."""

    endpoint: Endpoint
    credentials: Credentials
    nonces: NonceSource
    rest: GeminiRest
    instruments: dict[str, Instrument] = field(default_factory=dict)

    async def send(self, **changes: Any) -> VenueOrder:
        own = ClientOrderId(f"m-test-{next(SECONDS)}")
        wanted = draft(client_order_id=own, instrument=self.instruments["btcusd"], **changes)
        return await self.rest.submit(build(wanted, self.credentials, self.nonces.next()))


def connect(exchange: RunningExchange, nonce_file: Path, secret: str | None = None) -> Account:
    address = urlsplit(exchange.url)
    assert address.hostname is not None
    assert address.port is not None
    held = endpoint(Mode.PAPER, PaperAddress(host=address.hostname, port=address.port))
    key = exchange.stranger
    credentials = Credentials(key.api_key, secret or key.api_secret)
    nonces = NonceSource(nonce_file, SystemClock())
    rest = GeminiRest(held, credentials, nonces, SystemClock(), pacer=unhurried(), patience=HASTE)
    return Account(held, credentials, nonces, rest)


@asynccontextmanager
async def trading(tmp_path: Path) -> AsyncIterator[tuple[RunningExchange, Account]]:
    async with running_exchange(home=tmp_path, seed=7, speed=Decimal(1)) as exchange:
        account = connect(exchange, tmp_path / "nonce")
        account.instruments = {i.symbol: i for i in await account.rest.instruments()}
        try:
            yield exchange, account
        finally:
            await account.rest.close()
            account.nonces.close()


async def test_public_calls_answer_in_our_types(tmp_path: Path) -> None:
    async with trading(tmp_path) as (_, account):
        rest = account.rest
        symbols = await rest.symbols()
        assert set(account.instruments) == set(symbols)
        btc = account.instruments["btcusd"]
        assert (btc.base, btc.quote, btc.is_spot) == ("btc", "usd", True)
        assert btc.price_tick == Decimal("0.01")
        book = await rest.book("btcusd", 5)
        assert book.bid is not None
        assert book.ask is not None
        assert book.bid < book.ask
        assert len(book.bids) <= 5
        assert [b.price for b in book.bids] == sorted((b.price for b in book.bids), reverse=True)
        ticker = await rest.ticker("btcusd")
        assert ticker.low <= ticker.close <= ticker.high
        assert {q.symbol for q in await rest.price_feed()} <= set(symbols)
        for interval in ("1m", "1h", "1d"):
            candles = await rest.candles("btcusd", interval)
            assert [c.start for c in candles] == sorted({c.start for c in candles})
        trades = await rest.trades("btcusd", 10)
        assert [t.at for t in trades] == sorted(t.at for t in trades)
        with pytest.raises(VenueRejectedError):
            await rest.book("nosuchusd")
        assert rest.clock_skew_s is None or abs(rest.clock_skew_s) < 5


async def test_private_calls_answer_in_our_types(tmp_path: Path) -> None:
    async with trading(tmp_path) as (_, account):
        rest = account.rest
        balances = {b.currency: b for b in await rest.balances()}
        assert balances["usd"].amount == 10_000
        schedule = await rest.fee_schedule()
        assert schedule.tier.taker_bps >= schedule.tier.maker_bps >= 0
        assert (await rest.roles()).is_trader
        await rest.heartbeat()
        assert await rest.open_orders() == []
        assert await rest.my_trades() == []
        assert await rest.order_status(client_order_id="nobody") == []


async def test_order_rests_is_found_and_cancelled(tmp_path: Path) -> None:
    async with trading(tmp_path) as (_, account):
        rest = account.rest
        low = (await rest.book("btcusd", 1)).bid
        assert low is not None
        price = account.instruments["btcusd"].round_price(low * Decimal("0.97"), Side.BUY)
        order = await account.send(price=price, amount=Decimal("0.001"))
        assert order.is_live
        assert (order.price, order.remaining_amount) == (price, Decimal("0.001"))
        assert [o.venue_order_id for o in await rest.open_orders()] == [order.venue_order_id]
        by_ours = await rest.order_status(client_order_id=order.client_order_id)
        by_theirs = await rest.order_status(venue_order_id=order.venue_order_id)
        assert by_ours == by_theirs
        cancelled = await rest.cancel(order.venue_order_id)
        assert (cancelled.is_live, cancelled.is_cancelled, cancelled.reason) == (False, True, "Requested")
        again = await rest.cancel(order.venue_order_id)
        assert again.is_cancelled
        with pytest.raises(VenueRejectedError) as caught:
            await rest.cancel("1")
        assert caught.value.reason == "OrderNotFound"
        second = await account.send(price=price, amount=Decimal("0.001"))
        assert (await rest.cancel_session()).cancelled == (second.venue_order_id,)
        assert await rest.open_orders() == []


async def test_order_bought_at_once_fill_and_fee_agree_everywhere(tmp_path: Path) -> None:
    async with trading(tmp_path) as (_, account):
        events: list[OrderEvent] = []
        connected = asyncio.Event()

        async def on_event(event: OrderEvent) -> None:
            events.append(event)

        async def on_connected() -> None:
            connected.set()

        feed = OrderFeed(
            account.endpoint,
            account.credentials,
            account.nonces,
            SystemClock(),
            on_event,
            on_connected,
            patience=HASTE,
        )
        async with background(feed.run()):
            async with asyncio.timeout(5):
                await connected.wait()
            top = (await account.rest.book("btcusd", 1)).ask
            assert top is not None
            price = account.instruments["btcusd"].round_price(top * Decimal("1.01"), Side.SELL)
            order = await account.send(
                price=price, amount=Decimal("0.0005"), option=ExecutionOption.IMMEDIATE_OR_CANCEL
            )
            assert order.executed_amount == Decimal("0.0005")
            await until(lambda: any(e.type is OrderEventType.CLOSED for e in events), within_s=5)
            assert feed.status().synced
        fills = await account.rest.my_trades("btcusd")
        told = [e.fill for e in events if e.fill is not None]
        assert {(f.trade_id, f.price, f.amount, f.fee) for f in told} == {
            (f.trade_id, f.price, f.amount, f.fee) for f in fills
        }
        assert sum(f.amount for f in fills) == Decimal("0.0005")
        assert all(f.fee == f.price * f.amount * Decimal("0.004") for f in fills)
        assert {(f.fee_currency, f.is_maker, f.symbol) for f in fills} == {("USD", False, "btcusd")}
        assert await account.rest.my_trades(since_ms=0, limit=1) == fills


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": Decimal("0.000000011")}, "InvalidQuantity"),
        ({"price": Decimal("60000.001")}, "InvalidPrice"),
        ({"amount": Decimal(10)}, "InsufficientFunds"),
    ],
)
async def test_order_refused_reason_of_the_venue(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    async with trading(tmp_path) as (_, account):
        with pytest.raises(VenueRejectedError) as caught:
            await account.send(**changes)
        assert caught.value.reason == reason


async def test_wrong_secret_refused_by_both_channels(tmp_path: Path) -> None:
    async with running_exchange(home=tmp_path, seed=7, speed=Decimal(1)) as exchange:
        account = connect(exchange, tmp_path / "nonce", secret="another" * 4)

        async def nothing(*_: object) -> None:
            raise AssertionError

        feed = OrderFeed(
            account.endpoint,
            account.credentials,
            account.nonces,
            SystemClock(),
            nothing,
            nothing,
            patience=HASTE,
        )
        with pytest.raises(VenueRejectedError) as caught:
            await account.rest.balances()
        assert caught.value.reason == "InvalidSignature"
        async with background(feed.run()):
            await until(lambda: "InvalidSignature" in feed.status().last_error)
        await account.rest.close()
        account.nonces.close()


async def test_market_feed_follows_the_exchange(tmp_path: Path) -> None:
    async with trading(tmp_path) as (exchange, account):
        symbols = ["btcusd", "ethusd", "ethbtc"]
        changed: set[str] = set()
        feed = MarketFeed(account.endpoint, symbols, SystemClock(), changed.add, patience=HASTE)
        async with background(feed.run()):
            await until(lambda: feed.status().synced, within_s=5)

            def same(symbol: str) -> bool:
                book, view = exchange.book(symbol), feed.view(symbol, 20)
                return (list(view.bids), list(view.asks)) == tuple(book.side(s).depth(20) for s in Side)

            await until(lambda: all(same(symbol) for symbol in symbols), within_s=5)
            await asyncio.sleep(1.0)
            await until(lambda: all(same(symbol) for symbol in symbols), within_s=5)
            assert feed.status().reconnects == 0
            assert feed.status().last_error == ""
            assert changed == set(symbols)


async def test_exchange_gone_in_between_says_so_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    async with running_exchange(home=tmp_path, seed=7, speed=Decimal(1)) as exchange:
        account = connect(exchange, tmp_path / "nonce")
        account.instruments = {i.symbol: i for i in await account.rest.instruments()}
    with pytest.raises((VenueRejectedError, OutcomeUnknownError)) as caught:
        await account.send()
    assert caught.value.code in {"NOT_SENT", "OUTCOME_UNKNOWN"}
    with pytest.raises(UnreachableError):
        await account.rest.symbols()
    await account.rest.close()
    account.nonces.close()
