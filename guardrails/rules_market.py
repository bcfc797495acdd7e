"""Rules about the market as seen: present, whole, fresh, calm, and near the order's price."""

from __future__ import annotations

from decimal import Decimal

from domain.instrument import Side
from guardrails.case import Case, Share, met, passed, percent, plain, positive, refused, seconds
from guardrails.verdict import Check


def market_present(case: Case) -> Check:
    """Require a book of this symbol with both sides."""
    book = case.snapshot.book
    if book is None or book.symbol != case.draft.symbol:
        return refused(
            "market_present", "NO_MARKET", f"There is no order book for {case.draft.symbol!s:.40} yet."
        )
    names, values = ("bid", "ask"), (case.bid, case.ask)
    if case.bid is None or case.ask is None:
        return refused("market_present", "NO_MARKET", "The order book has no bid or no ask.", names, values)
    return passed("market_present", "Bid and ask stand.", names, values)


def market_synced(case: Case) -> Check:
    """Require a book that missed no message."""
    if case.snapshot.book is None or case.snapshot.book.synced is not True:
        return refused(
            "market_synced", "MARKET_UNSYNCED", "The market feed is being restored; wait a moment."
        )
    return met("market_synced", "The market feed is in sync.")


def market_age(case: Case) -> Check:
    """Require a frame from the market feed within `market_max_age_s`."""
    book, limit = case.snapshot.book, case.limits.market_max_age_s
    age = None if book is None else seconds(book.age_s)
    names, values = ("age_s", "limit_s"), (age, limit)
    if age is not None and age <= limit:
        return passed("market_age", "The market data is fresh.", names, values)
    text = f"The last market data is {plain(age)} s old; at most {plain(limit)} s are allowed."
    return refused("market_age", "MARKET_STALE", text, names, values)


def market_crossed(case: Case) -> Check:
    """Require a bid below the ask."""
    names, values = ("bid", "ask"), (case.bid, case.ask)
    if case.bid is not None and case.ask is not None and case.bid < case.ask:
        return passed("market_crossed", "The bid is below the ask.", names, values)
    if case.bid is None or case.ask is None:
        text = "One side of the book is empty, so the two cannot be compared."
    else:
        text = (
            f"The bid {plain(case.bid)} is not below the ask {plain(case.ask)}; such a book is not believed."
        )
    return refused("market_crossed", "MARKET_CROSSED", text, names, values)


def market_jump(case: Case) -> Check:
    """Require that the mid has not just moved by more than the collar. A person's kill sells all the same."""
    limit, doubled = case.limits.price_collar_pct, case.mid_doubled
    before = positive(case.snapshot.previous_mid)
    names = ("previous_mid", "mid", "limit_pct")
    if doubled is None or before is None:
        text = "There is no earlier price to compare the market with; wait a moment."
        return refused("market_jump", "MARKET_JUMP_UNKNOWN", text, names, (before, None, limit))
    values = (before, doubled / 2, limit)
    if case.is_kill or abs(doubled - 2 * before) * 100 <= limit * 2 * before:
        return passed("market_jump", "The market has not jumped.", names, values)
    moved = percent(abs(doubled - 2 * before), 2 * before)
    text = f"The market has just moved by {moved:.2f} %, more than {plain(limit)} %; look at it first."
    return refused("market_jump", "MARKET_JUMP", text, names, values)


def spread(case: Case) -> Check:
    """Require a spread within `max_spread_pct`. A person's kill sells all the same, inside the collar."""
    limit, doubled = case.limits.max_spread_pct, case.mid_doubled
    names = ("spread_pct", "limit_pct")
    if doubled is None or case.ask is None or case.bid is None:
        return refused("spread", "SPREAD_UNKNOWN", "The spread is not known.", names, (None, limit))
    width = case.ask - case.bid
    values = (Share(2 * width, doubled), limit)
    if case.is_kill or 200 * width <= limit * doubled:
        return passed("spread", "The spread is narrow enough.", names, values)
    wide = percent(2 * width, doubled)
    text = f"The spread is {wide:.4f} %, more than {plain(limit)} %; wait until it narrows."
    return refused("spread", "SPREAD_TOO_WIDE", text, names, values)


def collar(case: Case) -> Check:
    """Require limit and stop price within `price_collar_pct` of the mid, the edge included."""
    limit, doubled = case.limits.price_collar_pct, case.mid_doubled
    names = ("price", "mid", "distance_pct", "limit_pct")
    if doubled is None:
        text = "Without a mid price the price cannot be judged."
        return refused("collar", "COLLAR_UNKNOWN", text, names, (case.draft.price, None, None, limit))
    far = case.draft.price
    stop = case.draft.stop_price
    if stop is not None and abs(2 * stop - doubled) > abs(2 * far - doubled):
        far = stop
    distance = abs(2 * far - doubled)
    values = (far, doubled / 2, Share(distance, doubled), limit)
    if distance * 100 <= limit * doubled:
        return passed("collar", "The price is near the market.", names, values)
    text = (
        f"{plain(far)} is {percent(distance, doubled):.2f} % away from the mid of {plain(doubled / 2)}; "
        f"at most {plain(limit)} % are allowed. Name a price nearer to the market."
    )
    return refused("collar", "PRICE_OUTSIDE_COLLAR", text, names, values)


def self_cross(case: Case) -> Check:
    """Require that the order cannot trade with our own resting orders."""
    is_buy = case.draft.side is Side.BUY
    own = case.snapshot.own_ask if is_buy else case.snapshot.own_bid
    names, values = ("price", "own_price"), (case.draft.price, own)
    if own is None:
        return passed("self_cross", "No order of ours is on the other side.", names[:1], values[:1])
    own_price: Decimal | None = positive(own)
    if own_price is not None and (case.draft.price < own_price if is_buy else case.draft.price > own_price):
        return passed("self_cross", "The order does not meet our own.", names, values)
    text = f"It could trade with our own order at {plain(own)}. Cancel that one first, or change the price."
    return refused("self_cross", "SELF_CROSS", text, names, values)
