from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.instrument import Side
from domain.order import OrderType
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.signed import Client
from venues.paper.matching.engine import Batch
from venues.paper.matching.ledger import Account
from venues.paper.matching.orders import Order
from venues.paper.server import running_exchange
from venues.paper.state.store import Page, Store

D = Decimal
HISTORY = "/v1/orders/history"


async def make_history(client: Client) -> list[dict[str, Any]]:
    """Three cancelled, two filled in pieces, one still live; the closed ones, newest first."""
    made = []
    for number in range(3):
        order = await client.order(client_order_id=f"c-{number}")
        made.append(await client.post("/v1/order/cancel", order_id=order["order_id"]))
    for symbol, amount in (("ethusd", "1"), ("btcusd", "0.1")):
        made.append(
            await client.order(
                symbol=symbol,
                side="sell",
                amount=amount,
                price="1000.00" if symbol == "ethusd" else "62000.00",
            )
        )
    await client.order(price="1000.00")
    return made[::-1]


async def test_history_has_closed_orders_with_their_trades_newest_first(stranger: Client) -> None:
    made = await make_history(stranger)
    history = await stranger.post(HISTORY)
    assert [order["order_id"] for order in history] == [order["order_id"] for order in made]
    assert not any(order["is_live"] for order in history)
    for order in history:
        status = await stranger.post("/v1/order/status", order_id=order["order_id"], include_trades=True)
        assert order == status
        assert sum(D(trade["amount"]) for trade in order["trades"]) == D(order["executed_amount"])
    assert {order["reason"] for order in history if order["is_cancelled"]} == {"Requested"}
    assert [o["symbol"] for o in await stranger.post(HISTORY, symbol="ETHUSD")] == ["ethusd"]


async def test_history_pages_forward_by_timestamp_as_documented(stranger: Client) -> None:
    made = [order["order_id"] for order in await make_history(stranger)]
    assert [o["order_id"] for o in await stranger.post(HISTORY, limit_orders=2)] == made[:2]
    seen: list[str] = []
    start: int = 0
    while page := await stranger.post(HISTORY, timestamp=start, limit_orders=2):
        assert len(page) <= 2
        seen = [order["order_id"] for order in page] + seen
        start = max(order["timestampms"] for order in page) + 1
    assert seen == made


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"limit_orders": 501}, "InvalidParameterValue"),
        ({"limit_orders": 0}, "InvalidParameterValue"),
        ({"limit_orders": "1e2"}, "InvalidParameterValue"),
        ({"symbol": "nope"}, "InvalidSymbol"),
        ({"timestamp": "2026-11-20"}, "InvalidTimestampInPayload"),
        ({"timestamp": -5}, "InvalidTimestampInPayload"),
    ],
)
async def test_faulty_history_call_is_refused(
    shared_desk: Client, fields: dict[str, object], reason: str
) -> None:
    assert await shared_desk.refused(HISTORY, **fields) == (400, reason)


async def test_history_is_one_account_s_and_for_the_auditor_too(home: Path, http: httpx.AsyncClient) -> None:
    async with running_exchange(home=home, seed=11, clock=ManualClock(MORNING)) as running:
        stranger = Client(running.url, running.stranger.api_key, running.stranger.api_secret, http)
        made = await make_history(stranger)
        desk = Client(running.url, running.desk.api_key, running.desk.api_secret, http)
        assert await desk.post(HISTORY) == []
        key = running.key("auditor")
        auditor = Client(running.url, key.api_key, key.api_secret, http)
        assert len(await auditor.post(HISTORY)) == len(made)
        assert await auditor.refused("/v1/order/new") == (403, "MissingRole")


RULES = MappingProxyType({"max_examples": 30, "deadline": None})


@settings(**RULES)
@given(
    times=st.lists(st.integers(1_000_000_000_000, 1_000_000_000_006), min_size=1, max_size=25),
    limit=st.integers(1, 5),
)
def test_reader_that_goes_on_a_millisecond_later_sees_every_record_once(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], limit: int
) -> None:
    store = Store(tmp_path_factory.mktemp("pages") / "exchange.sqlite")
    account = Account(name="ann")
    batch = Batch()
    for number, created_ms in enumerate(times, start=1):
        batch.orders[number] = closed_order(account, number, created_ms)
    with store.transaction():
        store.write_batch(batch)
    seen: list[int] = []
    since_ms = 0
    while page := store.closed_orders(account, Page(limit=limit, since_ms=since_ms)):
        keys = [(order.created_ms, order.id) for order in page]
        assert keys == sorted(keys, reverse=True)
        seen += [order.id for order in page]
        since_ms = page[0].created_ms + 1
    assert sorted(seen) == sorted(batch.orders)
    newest = store.closed_orders(account, Page(limit=limit))
    assert [o.id for o in newest] == sorted(batch.orders, key=lambda n: (times[n - 1], n))[: -limit - 1 : -1]
    store.close()


def closed_order(account: Account, number: int, created_ms: int) -> Order:
    return Order(
        id=number,
        account=account,
        symbol="btcusd",
        side=Side.BUY,
        type=OrderType.LIMIT,
        price=D(1),
        amount=D(1),
        remaining=D(0),
        created_ms=created_ms,
        is_live=False,
    )
