"""Opening the markets: the seeded world with its stored past, or a recording."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from domain.instrument import InstrumentStatus, Side
from venues.paper.exchange import Exchange
from venues.paper.matching.candles import DAY_MS, KEPT_MINUTES, MINUTE_MS, WINDOWS, Bar, CandleSeries, Past
from venues.paper.matching.engine import Market
from venues.paper.matching.listings import DOLLARS, FIAT_USD, SEEDED_LISTINGS, Listing
from venues.paper.matching.market import KEPT_PRINTS
from venues.paper.state.market_keeping import PRINTS_DAYS
from venues.paper.state.market_store import WorldState
from venues.paper.world.clockwork import SeededWorld
from venues.paper.world.drift import Dice
from venues.paper.world.history import make_history
from venues.paper.world.past import DerivedPast, WalkedPast
from venues.paper.world.recording import RecordedLevels, Recording, open_recording
from venues.paper.world.replay import RecordedWorld

_LISTED = {each.symbol: each.start_price for each in SEEDED_LISTINGS}
_ORIGINS = "origins"
"""The fact that holds each market's first minute as {symbol: [start ms, opening price in ticks]}."""


def open_seeded_markets(exchange: Exchange, dice: Dice, quiet_dice: Dice) -> None:
    """Open all listed markets where they stood, or with a believable day behind the lively ones."""
    engine, store = exchange.engine, exchange.store.markets
    now_ms = exchange.timeline.now_ms()
    last = store.prices()
    listings = [
        replace(each, start_price=last[each.symbol]) if each.symbol in last else each
        for each in SEEDED_LISTINGS
    ]
    for listing in listings:
        market = engine.list_market(listing)
        tick = listing.instrument.price_tick
        market.last = tick * round(listing.start_price / tick)
        market.prints.extend(store.prints(listing.symbol, now_ms - PRINTS_DAYS * DAY_MS, KEPT_PRINTS))
        if market.prints:
            market.last = market.prints[-1].price  # stops wait for a trade, not for what makers think fair
        for width, window in WINDOWS.items():
            found = store.wider(listing.symbol, width, now_ms - window * MINUTE_MS)
            market.candles.load_wider(width, found)
        market.candles.load(store.minutes(listing.symbol, now_ms - KEPT_MINUTES * MINUTE_MS))
        market.candles.recent()  # what was just read needs no writing
    _fill_history(exchange, [each for each in listings if not each.is_quiet], dice)
    _give_pasts(exchange)
    exchange.keeper.is_on = True
    exchange.world = SeededWorld(
        [market for market in engine.markets.values() if market.status is InstrumentStatus.OPEN],
        {each.symbol: each.start_price for each in listings},
        dice,
        quiet_dice,
    )


def open_recorded_markets(exchange: Exchange, dice: Dice, path: Path) -> None:
    """Open the markets of a recording. Raises `BadInputError` for an unusable one."""
    recording = open_recording(path)
    engine, now_ms = exchange.engine, exchange.timeline.now_ms()
    habits = {each.symbol: each for each in SEEDED_LISTINGS}
    first = _first_prices(recording)
    for symbol, instrument in recording.instruments.items():
        habit = habits.get(symbol) or Listing(instrument=instrument, start_price=first[symbol])
        engine.list_market(replace(habit, instrument=instrument, start_price=first[symbol], is_quiet=False))
    exchange.world = RecordedWorld(recording, engine, dice, now_ms)
    listings = [replace(m.listing, start_price=m.last) for m in engine.markets.values()]
    rates = {each.instrument.quote: engine.usd_rate(each.instrument.quote) for each in listings}
    for symbol, bars in make_history(listings, dice, now_ms, rates).items():
        engine.markets[symbol].candles.load(bars)
        _follow_past(exchange, engine.markets[symbol], bars[0])


def _first_prices(recording: Recording) -> dict[str, Decimal]:
    """Return the middle of each symbol's first book."""
    found: dict[str, Decimal] = {}
    for frame in recording.frames():
        message = frame.message
        if isinstance(message, RecordedLevels) and message.symbol not in found and message.changes:
            bids = [price for side, price, size in message.changes if side is Side.BUY and size]
            asks = [price for side, price, size in message.changes if side is Side.SELL and size]
            if bids and asks:
                found[message.symbol] = (max(bids) + min(asks)) / 2
            else:
                found[message.symbol] = max(bids) if bids else min(asks, default=message.changes[0][1])
        if len(found) == len(recording.instruments):
            break
    return found


def _fill_history(exchange: Exchange, listings: Sequence[Listing], dice: Dice) -> None:
    listings = [each for each in listings if exchange.engine.markets[each.symbol].candles.latest is None]
    if not listings:
        return
    rates = {each.instrument.quote: exchange.engine.usd_rate(each.instrument.quote) for each in listings}
    history = make_history(listings, dice, exchange.timeline.now_ms(), rates)
    for symbol, bars in history.items():
        exchange.engine.markets[symbol].candles.load(bars)
    with exchange.store.transaction():
        exchange.store.markets.write(
            WorldState(bars=((s, bar) for s, bars in history.items() for bar in bars))
        )


def _give_pasts(exchange: Exchange) -> None:
    """Let every market's past end where its first minute began, now and after every restart."""
    store, now_ms = exchange.store.markets, exchange.timeline.now_ms()
    origins: dict[str, list[int]] = json.loads(store.fact(_ORIGINS) or "{}")
    known = len(origins)
    for symbol, market in exchange.engine.markets.items():
        market.candles.roll(now_ms, market.last)
        if symbol not in origins:
            first = market.candles.tail(KEPT_MINUTES)[0]
            origins[symbol] = [first.start_ms, first.open]
        start_ms, ticks = origins[symbol]
        if market.status is InstrumentStatus.OPEN:
            _follow_past(exchange, market, Bar(start_ms, ticks, ticks, ticks, ticks, 0))
    if len(origins) != known:
        with exchange.store.transaction():
            store.write(WorldState(facts={_ORIGINS: json.dumps(origins)}))


def _follow_past(exchange: Exchange, market: Market, first: Bar) -> None:
    market.candles.follow(_past(exchange, market, first))


def _past(exchange: Exchange, market: Market, first: Bar) -> Past:
    markets, listing, instrument = exchange.engine.markets, market.listing, market.instrument
    lots = _lots_per_minute(listing)
    leader = markets.get(f"{instrument.base.lower()}usd")
    if leader is None or leader is market or listing.is_stable:
        return WalkedPast(
            seed=f"{exchange.seed} past {market.symbol}",
            end_ms=first.start_ms,
            ticks=first.open,
            lots_per_minute=int(lots),
            minutes=1440 if listing.is_quiet else 0,
            is_still=listing.is_stable,
        )
    still = instrument.quote in DOLLARS or instrument.quote in FIAT_USD
    divisor = None if still else markets.get(f"{instrument.quote.lower()}usd")
    return DerivedPast(
        end_ms=first.start_ms,
        ticks=first.open,
        leader=_oldest_first(leader.candles),
        divisor=None if divisor is None else _oldest_first(divisor.candles),
        volume_share=lots / _lots_per_minute(leader.listing),
        has_minutes=listing.is_quiet,
    )


def _oldest_first(candles: CandleSeries) -> Callable[[int], list[Bar]]:
    return lambda minutes: candles.frame(minutes)[::-1]


def _lots_per_minute(listing: Listing) -> Decimal:
    """Return the usual volume at the listed prices: what the market does now leaves the past alone."""
    instrument, quote = listing.instrument, listing.instrument.quote
    price = _LISTED.get(instrument.symbol, listing.start_price)
    rate = FIAT_USD.get(quote) or _LISTED.get(f"{quote.lower()}usd", Decimal(1))
    return listing.trades_per_minute * listing.trade_usd / (price * rate * instrument.amount_step)
