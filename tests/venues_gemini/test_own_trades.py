"""Paging own trades: complete where the venue allows it, and a gap is said where it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import BadInputError, VenueRetryableError
from tests.venues_gemini.connected import on
from tests.venues_gemini.fault_server import running
from tests.venues_gemini.trade_server import TradeVenue, trade
from venues.gemini.own_trades import Cut


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def many(count: int, *, step_ms: int = 10) -> list[dict[str, Any]]:
    return [trade(1000 + n, 1_700_000_000_000 + n * step_ms) for n in range(count)]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(gaps=st.lists(st.integers(0, 2), max_size=25), limit=st.integers(5, 9))
async def test_own_trades_oldest_cut_whatever_the_times_complete_and_each_once(
    gaps: list[int], limit: int
) -> None:
    """At most four trades share a millisecond here, so that every page can step on."""
    ms, trades = 1_700_000_000_000, []
    for tid, gap in enumerate(gaps):
        crowded = sum(t["timestampms"] == ms for t in trades) >= 4
        ms += gap or crowded
        trades.append(trade(10**17 + tid, ms))
    venue = TradeVenue(trades, is_oldest=True)
    async with running(answer=venue) as server, on(server) as (client, _):
        found = await client.own_trades(None, 0, limit)
    assert [int(fill.trade_id) for fill in found.fills] == [t["tid"] for t in trades]
    assert found.gap is None


async def test_own_trades_newest_cut_gap_said_and_found_out_once() -> None:
    venue = TradeVenue(many(30), is_oldest=False)
    async with running(answer=venue) as server, on(server) as (client, _):
        found = await client.own_trades("ethusd", 1_700_000_000_000, 10)
        assert [int(fill.trade_id) for fill in found.fills] == list(range(1020, 1030))
        assert found.gap == (at(1_700_000_000_000), found.fills[0].at)
        assert client._walk.cut is Cut.NEWEST
        assert venue.asked == 2
        await client.own_trades("ethusd", 1_700_000_000_000, 10)
        assert venue.asked == 3


@pytest.mark.parametrize("is_oldest", [True, False])
async def test_own_trades_all_on_one_page_complete_after_one_more_question(is_oldest: bool) -> None:
    venue = TradeVenue(many(9), is_oldest=is_oldest)
    async with running(answer=venue) as server, on(server) as (client, _):
        found = await client.own_trades(None, 0, 10)
    assert (len(found.fills), found.gap, venue.asked) == (9, None, 2)


async def test_own_trades_new_one_made_while_paging_found_and_once() -> None:
    venue = TradeVenue(many(25), is_oldest=True)

    def growing(server: Any, request: Any) -> Any:
        answer = venue(server, request)
        if venue.asked == 3:
            venue.trades.append(trade(5000, 1_700_000_000_900))
        return answer

    async with running(answer=growing) as server, on(server) as (client, _):
        found = await client.own_trades(None, 0, 10)
    assert [int(fill.trade_id) for fill in found.fills] == [*range(1000, 1025), 5000]


async def test_own_trades_more_in_one_millisecond_than_a_page_holds_gap_said_and_gone_on() -> None:
    crowd = (
        many(3) + [trade(2000 + n, 1_700_000_000_100) for n in range(8)] + [trade(3000, 1_700_000_000_200)]
    )
    venue = TradeVenue(crowd, is_oldest=True)
    async with running(answer=venue) as server, on(server) as (client, _):
        found = await client.own_trades(None, 0, 5)
    assert found.gap == (at(1_700_000_000_100), at(1_700_000_000_100))
    assert found.fills[-1].trade_id == "3000"


async def test_own_trades_start_that_the_venue_does_not_mind_ends_and_says_so() -> None:
    venue = TradeVenue(many(30), is_oldest=True)

    def deaf(server: Any, request: Any) -> Any:
        return TradeVenue(venue.trades[:5], is_oldest=True)(server, Deaf(request))

    class Deaf:
        def __init__(self, request: Any) -> None:
            self.payload = {**request.payload, "timestamp": 0}

    async with running(answer=deaf) as server, on(server) as (client, _):
        found = await client.own_trades(None, 1_700_000_000_000, 5)
    assert len(found.fills) == 5
    assert found.gap is not None


async def test_own_trades_limit_out_of_range_refused() -> None:
    async with running() as server, on(server) as (client, _):
        for limit in (0, 501):
            with pytest.raises(BadInputError):
                await client.own_trades(None, 0, limit)
        assert not server.requests


async def test_own_trades_page_shorter_than_asked_for_is_not_taken_for_the_last() -> None:
    """A venue may cut at fewer than asked for, or leave broken trades out of a page."""
    venue = TradeVenue(many(25), is_oldest=True)

    class Fewer:
        def __init__(self, request: Any) -> None:
            self.payload = {**request.payload, "limit_trades": 7}

    def fewer(server: Any, request: Any) -> Any:
        return venue(server, Fewer(request))

    async with running(answer=fewer) as server, on(server) as (client, _):
        found = await client.own_trades(None, 0, 10)
    assert ([int(fill.trade_id) for fill in found.fills], found.gap) == (list(range(1000, 1025)), None)


async def test_own_trades_with_oneself_both_sides_found() -> None:
    both = [trade(1, 1_700_000_000_000), {**trade(1, 1_700_000_000_000), "order_id": "2", "type": "Buy"}]
    async with running(answer=TradeVenue(both, is_oldest=True)) as server, on(server) as (client, _):
        found = await client.own_trades(None, 0)
    assert {fill.venue_order_id for fill in found.fills} == {"54516439535", "2"}


@pytest.mark.parametrize("odd", [{"amount": "0"}, {"amount": "-0.1"}, {"price": "0"}, {"price": "-1"}])
async def test_own_trade_of_nothing_not_read(odd: dict[str, str]) -> None:
    venue = TradeVenue([{**trade(1, 1_700_000_000_000), **odd}], is_oldest=True)
    async with running(answer=venue) as server, on(server) as (client, _):
        with pytest.raises(VenueRetryableError, match="cannot be read"):
            await client.my_trades()
