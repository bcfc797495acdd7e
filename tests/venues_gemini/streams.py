"""Seeded streams of `/v2/marketdata` frames: one snapshot, then changes near the top."""

from __future__ import annotations

import json
from random import Random


def _price(ticks: int) -> str:
    return f"{ticks // 100}.{ticks % 100:02}"


def _size(random: Random) -> str:
    units = random.choice(
        [random.randrange(1, 3 * 10**8), random.randrange(1, 10**7), random.randrange(1, 500) * 10**6]
    )
    return f"{units // 10**8}.{units % 10**8:08}".rstrip("0").rstrip(".")


def _frame(changes: list[list[str]], **more: object) -> bytes:
    whole = {"type": "l2_updates", "symbol": "BTCUSD", "changes": changes, **more}
    return json.dumps(whole, separators=(",", ":")).encode()


def synthetic(random: Random, *, levels: int, messages: int) -> list[bytes]:
    """Return a snapshot of `levels` a side and `messages` deltas; the book never crosses."""
    mid = 6_412_345
    bids = set(range(mid - levels, mid))
    asks = set(range(mid + 1, mid + 1 + levels))
    best_bid, best_ask = mid - 1, mid + 1
    first = [["buy", _price(p), _size(random)] for p in sorted(bids, reverse=True)]
    first += [["sell", _price(p), _size(random)] for p in sorted(asks)]
    frames = [_frame(first, trades=[], auction_events=[])]
    for _ in range(messages):
        changes = []
        for _ in range(1 + (random.random() < 0.15) + 2 * (random.random() < 0.03)):
            is_bid = random.random() < 0.5
            side = bids if is_bid else asks
            step = int(random.expovariate(1 / 15))
            at = best_bid - step if is_bid else best_ask + step
            if random.random() < 0.1 and best_ask - best_bid > 1:
                at = best_bid + 1 if is_bid else best_ask - 1
            size = _size(random)
            if at in side and random.random() < 0.5 and len(side) > 20:
                side.discard(at)
                size = random.choice(["0", "0.0", "0.00000000"])
                while best_bid not in bids:
                    best_bid -= 1
                while best_ask not in asks:
                    best_ask += 1
            else:
                side.add(at)
                best_bid, best_ask = (
                    (max(best_bid, at), best_ask) if is_bid else (best_bid, min(best_ask, at))
                )
            changes.append(["buy" if is_bid else "sell", _price(at), size])
        frames.append(_frame(changes))
    return frames


def renamed(frames: list[bytes], symbol: str) -> list[bytes]:
    """Return the same stream for another symbol."""
    return [frame.replace(b'"BTCUSD"', f'"{symbol}"'.encode()) for frame in frames]
