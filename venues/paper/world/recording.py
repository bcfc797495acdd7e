"""Reading recorded Gemini v2 market data, in both formats it is kept in.

JSON lines (`{"t":"recv","ts":..,"data":".."}`) and text (`<unix seconds>: <frame>`), gzipped or plain.
Sizes of zero come as `0`, `0.0` or `0.00000000`; the trades of a snapshot newest or oldest first. Only spot
symbols are taken; perpetuals are passed over.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from domain.errors import BadInputError
from domain.instrument import Instrument, Side
from domain.money import parse_venue_decimal
from venues.gemini.catalogue import TABLE
from venues.paper.matching.listings import KNOWN_INSTRUMENTS, decimals, is_symbol, split_symbol

_GZIP_MAGIC = b"\x1f\x8b"
_RECEIVED = re.compile(r"([0-9]+(?:\.[0-9]+)?): (\{.*)", re.ASCII | re.DOTALL)
_REPLY = re.compile(r"(https://\S+) -> [0-9.]+: (.*)", re.ASCII | re.DOTALL)
_DETAILS = TABLE["symbol_details"].path.partition("{")[0]


class RecordedTrade(NamedTuple):
    """A trade as it was printed; `side` is the taker's, `at_ms` the recorded venue's time."""

    symbol: str
    at_ms: int
    price: Decimal
    amount: Decimal
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedLevels:
    """New totals of levels (0 removes one); a snapshot is the whole book and brings past trades."""

    symbol: str
    changes: tuple[tuple[Side, Decimal, Decimal], ...]
    trades: tuple[RecordedTrade, ...] = ()
    is_snapshot: bool = False


class Frame(NamedTuple):
    """One received frame; `at_ms` is the recorder's clock."""

    at_ms: int
    message: RecordedLevels | RecordedTrade


@dataclass(slots=True)
class _Seen:
    price_places: int = 0
    amount_places: int = 0

    def note(self, price: Decimal, amount: Decimal) -> None:
        self.price_places = max(self.price_places, decimals(price))
        self.amount_places = max(self.amount_places, decimals(amount))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording that was read through once: every frame of it is known to be readable."""

    path: Path
    instruments: Mapping[str, Instrument] = field(default_factory=dict)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames of spot symbols in the order they were received."""
        started: set[str] = set()
        for number, line in _lines(self.path):
            frame = _frame(self.path, number, line, started)
            if frame is not None and frame.message.symbol in self.instruments:
                yield frame


def open_recording(path: Path) -> Recording:
    """Read a recording through and return it.

    Raises `BadInputError("RECORDING_UNREADABLE", ...)` for a file that cannot be read to its end, has a
    broken line, or holds no Gemini v2 order book.
    """
    details: dict[str, Instrument] = {}
    seen: dict[str, _Seen] = {}
    started: set[str] = set()
    for number, line in _lines(path):
        _note_details(line, details)
        frame = _frame(path, number, line, started)
        if frame is None:
            continue
        message = frame.message
        if isinstance(message, RecordedTrade):
            if message.symbol in seen:
                seen[message.symbol].note(message.price, message.amount)
            continue
        noted = seen.setdefault(message.symbol, _Seen())
        for _, price, amount in message.changes:
            noted.note(price, amount)
    if not seen:
        raise _unreadable(path, "it holds no l2_updates frames of spot symbols")
    return Recording(
        path=path, instruments={symbol: _instrument(symbol, details, seen[symbol]) for symbol in sorted(seen)}
    )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open("rb") as stream:
            is_packed = stream.read(2) == _GZIP_MAGIC
        with gzip.open(path, "rb") if is_packed else path.open("rb") as source:
            for number, line in enumerate(source, start=1):
                text = line.decode("utf-8").strip()
                if text:
                    yield number, text
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise _unreadable(path, str(error)) from error


def _unreadable(path: Path, why: str) -> BadInputError:
    return BadInputError(
        "RECORDING_UNREADABLE",
        f"{path} cannot be replayed: {why}",
        "Give --replay a recording of Gemini's v2 market data, .jsonl.gz or .txt.gz.",
    )


def _frame(path: Path, number: int, line: str, started: set[str]) -> Frame | None:
    try:
        received = _received(line)
        if received is None:
            return None
        at_ms, message = received
        parsed = _message(message, started)
        return None if parsed is None else Frame(at_ms, parsed)
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        raise _unreadable(path, f"line {number} is broken ({type(error).__name__}: {error!s:.80})") from error


def _received(line: str) -> tuple[int, Mapping[str, Any]] | None:
    if line.startswith("{"):
        envelope = json.loads(line, parse_float=Decimal)
        if envelope.get("t") != "recv":
            return None
        return int(envelope["ts"] * 1000), _object(envelope["data"])
    match = _RECEIVED.fullmatch(line)
    return None if match is None else (int(Decimal(match[1]) * 1000), _object(match[2]))


def _object(text: str) -> Mapping[str, Any]:
    found = json.loads(text, parse_float=Decimal)
    if not isinstance(found, dict):
        raise TypeError("a frame must be a JSON object")
    return found


def _message(message: Mapping[str, Any], started: set[str]) -> RecordedLevels | RecordedTrade | None:
    kind = message.get("type")
    if kind not in {"l2_updates", "trade"}:
        return None
    symbol = str(message["symbol"]).lower()
    if not _is_spot(symbol):
        return None
    if kind == "trade":
        return _trade(message, symbol)
    is_snapshot = symbol not in started or "auction_events" in message
    started.add(symbol)
    changes = tuple(
        (Side(side), _positive(price), parse_venue_decimal(size)) for side, price, size in message["changes"]
    )
    trades = sorted((_trade(each, symbol) for each in message.get("trades") or ()), key=lambda t: t.at_ms)
    return RecordedLevels(symbol=symbol, changes=changes, trades=tuple(trades), is_snapshot=is_snapshot)


def _trade(message: Mapping[str, Any], symbol: str) -> RecordedTrade:
    return RecordedTrade(
        symbol,
        int(message["timestamp"]),
        _positive(message["price"]),
        _positive(message["quantity"]),
        Side(message["side"]),
    )


def _positive(text: object) -> Decimal:
    value = parse_venue_decimal(text)
    if value <= 0:
        raise ValueError(f"not above zero: {text!r:.40}")
    return value


def _is_spot(symbol: str) -> bool:
    if not is_symbol(symbol) or symbol.endswith("perp"):
        return False
    try:
        split_symbol(symbol)
    except ValueError:
        return False
    return True


def _note_details(line: str, details: dict[str, Instrument]) -> None:
    """Keep what a recorded `/v1/symbols/details` reply says; a reply that says something else is no loss."""
    if _DETAILS not in line[:400]:
        return
    try:
        body = json.loads(line)["data"] if line.startswith("{") else _REPLY.sub(r"\2", line)
        found = json.loads(body, parse_float=Decimal)
        symbol = str(found["symbol"]).lower()
        details[symbol] = Instrument(
            symbol=symbol,
            base=str(found["base_currency"]),
            quote=str(found["quote_currency"]),
            price_tick=Decimal(format(Decimal(found["quote_increment"]), "f")),
            amount_step=Decimal(format(Decimal(found["tick_size"]), "f")),
            min_amount=parse_venue_decimal(found["min_order_size"]),
        )
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return


def _instrument(symbol: str, details: Mapping[str, Instrument], seen: _Seen) -> Instrument:
    tick, step = Decimal(1).scaleb(-seen.price_places), Decimal(1).scaleb(-seen.amount_places)
    known = details.get(symbol) or KNOWN_INSTRUMENTS.get(symbol)
    base, quote = (known.base, known.quote) if known is not None else split_symbol(symbol)
    # An increment may have changed since; the recording's own prices must fit in any case.
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        price_tick=tick if known is None else min(tick, known.price_tick),
        amount_step=step if known is None else min(step, known.amount_step),
        min_amount=step if known is None else known.min_amount,
    )
