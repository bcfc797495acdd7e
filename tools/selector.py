"""Which pair is worth trading: what it usually moves against what a round trip costs this account. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from domain.clock import rfc3339
from domain.fees import FeeTier, round_trip_pct
from domain.instrument import Instrument, InstrumentStatus
from domain.market import BookView, Candle, Level
from domain.money import CONTEXT, ZERO, to_wire
from guardrails.limits import Limits

HORIZON = timedelta(hours=4)
"""How long a position is thought to be held."""
OTHER_HORIZONS = (timedelta(hours=1), timedelta(hours=24))
DEPTH_BAND_PCT = Decimal("0.5")
"""Orders this near to the mid count as depth."""
DEPTH_ORDERS = 5
"""The thinner side must hold this many of our largest orders."""
MIN_RETURNS = 12
_MEAN_OF_NORMAL = Decimal("0.7979")
"""The mean absolute value of a normal variable with deviation 1."""
_PLACES = Decimal("0.0001")

METHOD = (
    "Expected move: 0.7979 x deviation of the candles' returns x square root of the candles in 4 hours. "
    "Net: expected move less both taker fees of this account, the spread and the slippage buffer. "
    "Score: net divided by these costs, times the share of the wanted depth that is there (at most 1)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairInput:
    """One pair as seen now; candles of one interval, oldest first."""

    instrument: Instrument
    book: BookView
    candles: tuple[Candle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    symbol: str
    score: Decimal
    move: Decimal
    fees: Decimal
    spread: Decimal
    depth_usd: Decimal
    net: Decimal
    is_tradable: bool
    why: str

    def as_json(self) -> dict[str, object]:
        return {
            "symbol": self.symbol,
            "score": _text(self.score),
            "expected_move_pct": _text(self.move),
            "round_trip_pct": _text(self.fees),
            "spread_pct": _text(self.spread),
            "depth_usd": to_wire(self.depth_usd.quantize(Decimal("0.01"), context=CONTEXT)),
            "net_pct": _text(self.net),
            "tradable": self.is_tradable,
            "why": self.why,
        }


def rank(
    pairs: Iterable[PairInput],
    *,
    fees: FeeTier,
    usd_rates: Mapping[str, Decimal],
    limits: Limits,
    top: int,
    now: datetime,
) -> dict[str, object]:
    """Return the JSON of `GET /pairs/rank` (docs/desk-api.md): the best `top`, tradable ones first.

    A pair without a whole book, a dollar value or enough candles is left out: nothing is made up for it.
    """
    rows = [row for pair in pairs if (row := _judge(pair, fees, usd_rates, limits)) is not None]
    rows.sort(key=lambda row: (not row.is_tradable, -row.score, row.symbol))
    return {"as_of": rfc3339(now), "pairs": [row.as_json() for row in rows[: max(0, top)]], "method": METHOD}


def expected_move_pct(candles: Sequence[Candle], horizon: timedelta) -> Decimal | None:
    """Return the mean absolute move in per cent over `horizon`, None with too few candles.

    From the mean square of close-to-close returns, scaled with the square root of time.
    """
    closes = [(candle.start, candle.close) for candle in candles if candle.close > ZERO]
    steps = [(b[0] - a[0], CONTEXT.divide(b[1], a[1]) - 1) for a, b in pairwise(closes)]
    if len(steps) < MIN_RETURNS:
        return None
    interval = sorted(gap for gap, _ in steps)[len(steps) // 2]
    if interval <= timedelta(0):
        return None
    # A hole in the candles is one long step, not one of ours.
    returns = [change for gap, change in steps if gap == interval]
    mean_square = CONTEXT.divide(sum((r * r for r in returns), ZERO), Decimal(len(returns)))
    count = CONTEXT.divide(
        Decimal(horizon // timedelta(seconds=1)), Decimal(interval // timedelta(seconds=1))
    )
    return _MEAN_OF_NORMAL * CONTEXT.sqrt(mean_square) * CONTEXT.sqrt(count) * 100


def depth_usd(book: BookView, rate: Decimal) -> Decimal:
    """Return the dollars that rest within `DEPTH_BAND_PCT` of the mid on the thinner side."""
    mid = book.mid
    if mid is None:
        return ZERO
    band = mid * DEPTH_BAND_PCT / 100

    def resting(levels: tuple[Level, ...]) -> Decimal:
        return sum((price * amount for price, amount in levels if abs(price - mid) <= band), ZERO)

    return min(resting(book.bids), resting(book.asks)) * rate


def _judge(pair: PairInput, fees: FeeTier, usd_rates: Mapping[str, Decimal], limits: Limits) -> _Row | None:
    rate, spread = usd_rates.get(pair.instrument.quote), pair.book.spread_pct
    move = expected_move_pct(pair.candles, HORIZON)
    if rate is None or spread is None or move is None:
        return None
    trip = round_trip_pct(entry_bps=fees.taker_bps, exit_bps=fees.taker_bps)
    slippage = limits.slippage_buffer_bps / 100
    costs = trip + spread + slippage
    net = move - costs
    depth, wanted = depth_usd(pair.book, rate), limits.per_order_usd * DEPTH_ORDERS
    share = min(Decimal(1), CONTEXT.divide(depth, wanted))
    score = CONTEXT.divide(net, costs) if costs > ZERO else net
    against = _against(pair, limits, net=net, spread=spread, depth=depth, wanted=wanted)
    moves = [f"{_text(move)} % in 4 h"]
    for horizon in OTHER_HORIZONS:
        other = expected_move_pct(pair.candles, horizon)
        if other is not None:
            moves.append(f"{_text(other)} % in {horizon // timedelta(hours=1)} h")
    why = (
        f"Usually moves {', '.join(moves)}. A round trip costs {_text(costs)} %: fees {_text(trip)} %, "
        f"spread {_text(spread)} %, slippage {_text(slippage)} %. That leaves {_text(net)} %. "
        f"${depth:,.0f} rest within {to_wire(DEPTH_BAND_PCT)} % of the mid, ${wanted:,.0f} are wanted. "
        + (f"Not tradable: {'; '.join(against)}." if against else "Tradable.")
    )
    return _Row(
        symbol=pair.instrument.symbol,
        # A loss does not become smaller because the book is thin.
        score=score * share if score > ZERO else score,
        move=move,
        fees=trip,
        spread=spread,
        depth_usd=depth,
        net=net,
        is_tradable=not against,
        why=why,
    )


def _against(
    pair: PairInput, limits: Limits, *, net: Decimal, spread: Decimal, depth: Decimal, wanted: Decimal
) -> list[str]:
    age = pair.book.age_s
    faults = (
        (net <= ZERO, "the expected move does not pay the costs"),
        (depth < wanted, "the book is thin"),
        (
            not ZERO < spread <= limits.max_spread_pct,
            f"the spread is outside {limits.text('max_spread_pct')} %",
        ),
        (not pair.book.synced or age is None or age > limits.market_max_age_s, "the market data is stale"),
        (
            pair.instrument.status is not InstrumentStatus.OPEN or not pair.instrument.is_spot,
            "it is not open for spot",
        ),
    )
    return [text for is_against, text in faults if is_against]


def _text(value: Decimal) -> str:
    return to_wire(value.quantize(_PLACES, context=CONTEXT))
