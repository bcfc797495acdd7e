"""An engine on its own, with one small market and people to trade on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, localcontext
from itertools import count

from domain.instrument import Instrument, Side
from domain.money import CONTEXT
from domain.order import ExecutionOption, OrderEventType, OrderType
from venues.paper.matching.engine import Engine, Market
from venues.paper.matching.ledger import Account, Funds, Tier
from venues.paper.matching.listings import Listing
from venues.paper.matching.orders import Order, OrderRequest

D = Decimal
SYMBOL = "btcusd"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    base="BTC",
    quote="USD",
    price_tick=D("0.01"),
    amount_step=D("0.00000001"),
    min_amount=D("0.00001"),
)


class Bench:
    """One market at 100, a house and customers with plenty."""

    def __init__(self) -> None:
        ids = count(1)
        self.now_ms = 1_000
        self.engine = Engine(next_id=lambda: next(ids), now_ms=lambda: self.now_ms)
        self.market: Market = self.engine.list_market(Listing(instrument=INSTRUMENT, start_price=D(100)))
        self.house = Account(name="house", is_house=True)
        self.ann = self.customer("ann")
        self.bob = self.customer("bob")

    def customer(self, name: str, usd: str = "100000", btc: str = "1000") -> Account:
        return Account(
            name=name,
            funds={"USD": Funds(amount=D(usd)), "BTC": Funds(amount=D(btc))},
            tier=Tier(D(0), D(20), D(40)),
        )

    def place(
        self,
        who: Account,
        side: str,
        amount: str | Decimal,
        price: str | Decimal,
        *,
        option: ExecutionOption | None = None,
        stop: str | Decimal | None = None,
    ) -> Order:
        request = OrderRequest(
            symbol=SYMBOL,
            side=Side(side),
            type=OrderType.LIMIT if stop is None else OrderType.STOP_LIMIT,
            amount=D(amount),
            price=D(price),
            option=option,
            stop_price=None if stop is None else D(stop),
        )
        return self.engine.place(who, request, session=f"account-{who.name}")

    def kinds(self, order: Order) -> list[OrderEventType]:
        """The events of `order` since the batch was last taken."""
        return [notice.kind for notice in self.engine.batch.notices if notice.order.id == order.id]


@contextmanager
def bench() -> Iterator[Bench]:
    with localcontext(CONTEXT):
        yield Bench()
