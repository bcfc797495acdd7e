"""A venue that keeps older fills back is not taken for one that has none."""

from __future__ import annotations

from domain.order import Fill
from tests.stack import DeskStack
from venues.gemini.own_trades import Cut, TradeWalk


async def test_fills_that_the_venue_may_have_kept_back_are_written_down_once(stack: DeskStack) -> None:
    await stack.until_ready()
    await stack.buy()
    rest = stack.running._assembly.wire.rest
    fills = await rest.my_trades()

    async def full(_: str | None, __: int, limit: int) -> list[Fill]:
        return (fills * limit)[:limit]

    rest._walk = TradeWalk(full)
    rest._walk.cut = Cut.NEWEST
    await stack.desk.parts.reconciliation.run()
    found = await stack.client.read("/journal/search", kind="reconcile", limit=1)
    (record,) = found["records"]
    kinds = [each["kind"] for each in record["result_json"]["differences"]]
    assert kinds.count("fills may be missing") == 1
