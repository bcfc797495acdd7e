"""Whatever customers do among themselves and with the exchange, no money is made and none is lost."""

import shutil
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from domain.clock import ManualClock
from domain.instrument import InstrumentStatus
from tests.venues_paper.conftest import MORNING
from venues.paper.call import Call
from venues.paper.calls import instant_api, orders_api, wrap_api
from venues.paper.exchange import Exchange
from venues.paper.matching.refusals import RefusedError
from venues.paper.opening import Opening, open_exchange

D = Decimal
NAMES = ("desk", "stranger")
SIDES = st.sampled_from(["buy", "sell"])
WHO = st.sampled_from(NAMES)
STATUSES = st.sampled_from(list(InstrumentStatus))


class Customers(RuleBasedStateMachine):
    """Two accounts on markets that only they trade on; `expected` follows from what they were told."""

    new_home: Callable[[], Path]
    opened: list[Exchange]

    @initialize()
    def open(self) -> None:
        self.exchange = open_exchange(
            Opening(home=self.new_home(), clock=ManualClock(MORNING), seed=3, speed=D(0))
        )
        self.opened.append(self.exchange)
        self.exchange.world = None
        with self.exchange.operation():
            market = self.exchange.engine.markets["ethbtc"]
            for order in market.book.orders():
                self.exchange.engine.cancel(order)
            for name in NAMES:
                for currency in ("ETH", "BTC", "USD", "GUSD"):
                    self.exchange.accounts[name].fund(currency).amount = D(1000)
        self.expected = {
            (name, currency): D(1000) for name in NAMES for currency in ("ETH", "BTC", "USD", "GUSD")
        }
        self.booked: set[int] = set()

    def call(self, who: str, handler: Any, path: dict[str, str] | None = None, **payload: Any) -> Any:
        exchange = self.exchange
        key = next(each for each in exchange.keys.values() if each.label == who)
        exchange.timeline.advance(1)
        try:
            with exchange.operation():
                return handler(
                    exchange,
                    Call(path=path or {}, payload=payload, account=exchange.accounts[who], signer=key),
                )
        except RefusedError:
            return None

    @rule(
        who=WHO,
        side=SIDES,
        ticks=st.integers(2900, 2930),
        lots=st.integers(1000, 50_000_000),
        option=st.sampled_from([None, "maker-or-cancel", "immediate-or-cancel", "fill-or-kill"]),
    )
    def trade(self, *, who: str, side: str, ticks: int, lots: int, option: str | None) -> None:
        fields = {"symbol": "ethbtc", "side": side, "type": "exchange limit"}
        amount, price = str(D(lots).scaleb(-6)), str(D(ticks).scaleb(-5))
        options = [] if option is None else [option]
        self.call(who, orders_api.new_order, amount=amount, price=price, options=options, **fields)

    @rule(who=WHO)
    def cancel_all(self, who: str) -> None:
        assert self.call(who, orders_api.cancel_all)["details"]["cancelRejects"] == []

    @rule(status=STATUSES)
    def set_status(self, status: InstrumentStatus) -> None:
        with self.exchange.operation():
            self.exchange.engine.set_status("ethbtc", status)

    @rule(who=WHO, side=SIDES, cents=st.integers(1, 200_000))
    def wrap(self, who: str, side: str, cents: int) -> None:
        done = self.call(
            who, wrap_api.wrap, {"symbol": "gusdusd"}, side=side, amount=str(D(cents).scaleb(-2))
        )
        if done is not None:
            assert (D(done["fee"]), D(done["price"])) == (0, 1)

    @rule(who=WHO, side=SIDES, spend=st.integers(1, 1500), late_ms=st.sampled_from([0, 0, 60_001]))
    def instant(self, *, who: str, side: str, spend: int, late_ms: int) -> None:
        quote = self.call(who, instant_api.quote, symbol="btcusd", side=side, totalSpend=str(spend))
        if quote is None:
            return
        self.exchange.timeline.advance(late_ms)
        fields = {name: quote[name] for name in ("quoteId", "side", "quantity", "price", "fee")}
        done = self.call(who, instant_api.execute, symbol="btcusd", **fields)
        assert done is None or not late_ms

    @invariant()
    def every_balance_follows_from_the_trades(self) -> None:
        for name in NAMES:
            account = self.exchange.accounts[name]
            for each in self.exchange.store.executions_between(account, 0, 1 << 62):
                if (key := (each.tid, each.order_id)) in self.booked:
                    continue
                self.booked.add(key)
                instrument = self.exchange.instrument(each.symbol)
                sign = 1 if each.side == "buy" else -1
                self.expected[name, instrument.base] += sign * each.amount
                self.expected[name, instrument.quote] -= sign * each.amount * each.price + each.fee
            for (owner, currency), amount in self.expected.items():
                if owner == name:
                    assert account.fund(currency).amount == amount >= account.fund(currency).held >= 0

    @invariant()
    def all_eth_is_still_there(self) -> None:
        assert sum(self.exchange.accounts[name].fund("ETH").amount for name in NAMES) == 2000

    @invariant()
    def closed_market_holds_nothing(self) -> None:
        market = self.exchange.engine.markets["ethbtc"]
        if market.status is InstrumentStatus.CLOSED:
            assert market.book.orders() == []
            assert all(self.exchange.accounts[name].fund("ETH").held == 0 for name in NAMES)


def test_money_is_conserved_whatever_customers_do(opened_home: Path, tmp_path: Path) -> None:
    homes = count(1)
    Customers.new_home = staticmethod(lambda: shutil.copytree(opened_home, tmp_path / f"home-{next(homes)}"))
    Customers.opened = []
    run_state_machine_as_test(
        Customers, settings=settings(max_examples=8, stateful_step_count=20, deadline=None)
    )
    traded = sum(
        len(exchange.store.executions_between(exchange.accounts[name], 0, 1 << 62))
        for exchange in Customers.opened
        for name in NAMES
    )
    for exchange in Customers.opened:
        exchange.close()
    assert len(Customers.opened) >= 8
    assert traded, "nobody traded, so nothing was held to anything"
