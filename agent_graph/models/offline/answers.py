"""Answers made from the desk's JSON and nothing else; figures are copied or rounded, never computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from agent_graph.evidence import zone
from agent_graph.wording import amount, cost, joined, mean_price, money, percent, rounded, split_symbol
from domain.clock import parse_rfc3339

Json = Mapping[str, Any]


def pair(symbol: object) -> str:
    """Return `BTC/USD`."""
    base, quote = split_symbol(str(symbol))
    return f"{base}/{quote}" if quote else base


def local_time(stamp: object, zone_name: str) -> str:
    """Return `14:37:05` in the named zone, UTC when it is unknown."""
    try:
        moment = parse_rfc3339(str(stamp))
    except ValueError:
        return str(stamp)
    return moment.astimezone(zone(zone_name) or UTC).strftime("%Y-%m-%d %H:%M:%S")


def price_line(row: Json) -> str:
    """Write one pair's quote."""
    quote = str(row.get("quote") or "").upper() or split_symbol(str(row["symbol"]))[1]
    sides = [f"{side} {money(row[side], quote)}" for side in ("bid", "ask") if row.get(side) is not None]
    if not sides:
        return f"{pair(row['symbol'])}: no price yet"
    parts = [f"{pair(row['symbol'])}: {sides[0]}", *sides[1:]]
    if row.get("mid") is not None:
        parts.append(f"mid {money(row['mid'], quote)}")
    if row.get("spread_pct") is not None:
        parts.append(f"spread {percent(row['spread_pct'], 3)}")
    if row.get("change_24h_pct") is not None:
        parts.append(f"24h change {percent(row['change_24h_pct'])}")
    if row.get("source"):
        parts.append(f"from {row['source']}")
    return ", ".join(parts)


def prices(data: Json) -> str:
    """Write the quotes of the asked pairs."""
    rows = data.get("prices", [])
    if not rows:
        return str(data.get("note") or "No price has come in yet; the feed may still be starting.")
    if len(rows) == 1:
        return price_line(rows[0]) + "."
    return "\n".join(f"- {price_line(row)}" for row in rows)


def tradable(data: Json) -> str:
    """Return the pairs that can be traded, as words."""
    return joined([pair(row["symbol"]) for row in data.get("prices", [])])


def book(data: Json, levels: int = 5) -> str:
    """Write the top of an order book."""
    base, quote = split_symbol(str(data["symbol"]))
    lines = [f"Order book of {pair(data['symbol'])}, best prices first:"]
    for name, rows in (("Asks", data.get("asks", [])), ("Bids", data.get("bids", []))):
        shown = [f"{amount(r['amount'])} {base} at {money(r['price'], quote)}" for r in rows[:levels]]
        lines.append(f"- {name}: {'; '.join(shown) or 'none'}")
    if data.get("spread_pct") is not None:
        lines.append(f"- Mid {money(data.get('mid'), quote)}, spread {percent(data['spread_pct'], 3)}")
    if not data.get("synced", True):
        lines.append("- The book is not in sync right now, so orders are refused until it is.")
    return "\n".join(lines)


def candles(data: Json) -> str:
    """Write a stretch of candles: its range and the last one."""
    rows = data.get("candles", [])
    if not rows:
        return f"There are no candles of {pair(data['symbol'])} yet."
    _, quote = split_symbol(str(data["symbol"]))
    high = max(rows, key=lambda row: _key(row["high"]))["high"]
    low = min(rows, key=lambda row: _key(row["low"]))["low"]
    last = rows[-1]
    return (
        f"{pair(data['symbol'])}, {len(rows)} candles of {data['interval']}: "
        f"high {money(high, quote)}, low {money(low, quote)}.\n"
        f"The latest opened at {money(last['open'], quote)}, reached {money(last['high'], quote)} and "
        f"{money(last['low'], quote)}, and stands at {money(last['close'], quote)} "
        f"on a volume of {amount(last['volume'])}."
    )


def _key(text: object) -> tuple[int, str]:
    whole, _, fraction = str(text).partition(".")
    return (int(whole or 0), fraction)


def ranking(data: Json) -> str:
    """List pairs by promise."""
    rows = data.get("pairs", [])
    if not rows:
        return "There is not enough market data yet to rank the pairs."
    lines = ["Best pairs now, expected move against what a round trip costs this account:"]
    for number, row in enumerate(rows, 1):
        verdict = "worth a look" if row.get("tradable") else "not worth the costs now"
        lines.append(
            f"{number}. {pair(row['symbol'])}, score {row['score']}, {verdict}: {row.get('why', '')}"
        )
    return "\n".join(lines)


def fees(data: Json) -> str:
    """Write the account's own rates."""
    return (
        f"You pay {data['maker_bps']} bps as maker and {data['taker_bps']} bps as taker. "
        f"Buying and selling once costs {percent(data['round_trip_pct'])} in all. "
        f"That is the tier for a 30-day volume of {rounded(data.get('volume_30d_usd', '0'))}, "
        f"from {data.get('source', 'the exchange')}."
    )


def break_even(data: Json) -> str:
    """Write break-even and target with the costs that make them."""
    base, quote = split_symbol(str(data["symbol"]))
    entry = f"{money(data['entry_price'], quote)} ({data.get('entry_source', '')})"
    costs = (
        f"- entry fee {cost(data['entry_fee'], quote)}, exit fee {cost(data['exit_fee'], quote)} "
        f"({data['exit_fee_bps']} bps), spread {cost(data['spread'], quote)}, "
        f"slippage buffer {data['slippage_buffer_bps']} bps"
    )
    lines = [
        f"{pair(data['symbol'])}, {amount(data['amount'])} {base} entered at {entry}:",
        costs,
        f"- break-even price {money(data['break_even_price'], quote)}",
    ]
    if data.get("target_price") and data.get("profit_usd"):
        target = money(data["target_price"], quote)
        lines.append(f"- to keep {rounded(data['profit_usd'])} after both fees, sell at {target}")
    if data.get("move_needed_pct") is not None:
        lines.append(
            f"- now {money(data.get('mid'), quote)}; a move of {percent(data['move_needed_pct'])} is needed"
        )
    return "\n".join(lines)


def fees_paid(data: Json) -> str:
    """Write what was paid in fees today."""
    day = data.get("day") or {}
    if day.get("fees_usd") is None:
        return "The desk has no figures of today yet."
    paid, turnover = rounded(day["fees_usd"]), rounded(day["turnover_usd"])
    return (
        f"You paid {paid} in fees today, on a turnover of {turnover}. "
        "A day is the UTC day; longer periods are not kept yet."
    )


def portfolio(data: Json) -> str:
    """Write equity, cash, positions and the day."""
    lines = [f"Account value {rounded(data['equity_usd'])}."]
    held = {str(row["asset"]).upper() for row in data.get("positions", [])}
    cash = [_cash(row) for row in data.get("cash", []) if str(row["currency"]).upper() not in held]
    if cash:
        lines.append(f"Free cash: {joined(cash)}.")
    lines += [f"- {position_line(row)}" for row in data.get("positions", [])]
    if not data.get("positions"):
        lines.append("You hold no coins.")
    day = data.get("day") or {}
    if day:
        lines.append(
            f"Today: result {rounded(day['pnl_usd'])} (realised {rounded(day['realised_usd'])}, "
            f"unrealised {rounded(day['unrealised_usd'])}, fees {rounded(day['fees_usd'])}), "
            f"turnover {rounded(day['turnover_usd'])}."
        )
    return "\n".join(lines)


def _cash(row: Json) -> str:
    currency = str(row["currency"]).upper()
    return cost(row["available"], currency)


def position_line(row: Json) -> str:
    """Write one holding."""
    text = f"{amount(row['amount'])} {str(row['asset']).upper()}"
    if row.get("value_usd") is not None:
        text += f" worth {rounded(row['value_usd'])}"
    if row.get("average_cost_usd") is not None:
        text += f", average cost {mean_price(row['average_cost_usd'])}"
    if row.get("unrealised_usd") is not None:
        text += f", unrealised {rounded(row['unrealised_usd'])}"
    if row.get("break_even_price") is not None:
        text += f", breaks even at {mean_price(row['break_even_price'])}"
    return text


def order_line(row: Json) -> str:
    """Write one order."""
    base, quote = split_symbol(str(row["symbol"]))
    name = row.get("order_id") or row.get("client_order_id")
    what = f"{row['side']} {amount(row['amount'])} {base} at {money(row['price'], quote)}"
    text = f"{name}: {what}, {row['state']}"
    if row.get("filled") and row["filled"] != "0":
        text += f", filled {amount(row['filled'])}"
        if row.get("average_price"):
            text += f" at {mean_price(row['average_price'], quote)}"
        if row.get("fees_usd"):
            text += f", fees {rounded(row['fees_usd'])}"
    return text + (f" ({row['record_id']})" if row.get("record_id") else "")


def orders(data: Json, state: str) -> str:
    """List orders."""
    rows = data.get("orders", [])
    if not rows:
        return "There is no open order." if state == "open" else "There is no such order."
    return "\n".join(
        [f"Your {'open ' if state == 'open' else ''}orders, newest first:"]
        + [f"- {order_line(row)}" for row in rows[:10]]
    )


def explanation(data: Json) -> str:
    """Tell why a trade was made, from first cause to last effect, each step with its record."""
    if not data.get("found"):
        missing = " ".join(str(text) for text in data.get("missing", []))
        return " ".join(filter(None, ["I found no record of such a trade.", data.get("note"), missing]))
    zone_name = str(data.get("timezone") or "UTC")
    lines = [_order_facts(data.get("order") or {}, data.get("fills", []))]
    lines.append(f"How it came about (times in {zone_name}):")
    lines += [
        f"- {local_time(step['ts'], zone_name)} {step['text']} ({step['record_id']})"
        for step in data.get("steps", [])
    ]
    if data.get("missing"):
        lines.append("Not recorded: " + "; ".join(str(text) for text in data["missing"]))
    if data.get("note"):
        lines.append(str(data["note"]))
    return "\n".join(line for line in lines if line)


def _order_facts(order: Json, fills: Sequence[Json]) -> str:
    if not order:
        return ""
    base, quote = split_symbol(str(order["symbol"]))
    verb = {"buy": "We bought", "sell": "We sold"}[order["side"]] if fills else f"A {order['side']} order"
    record = f" ({order['record_id']})" if order.get("record_id") else ""
    name = order.get("order_id") or order.get("client_order_id")
    text = f"{verb} {base}: order {name}, {order['state']}{record}."
    for fill in fills:
        text += (
            f"\n- filled {fill['amount']} {base} at {fill['price']} {quote}, "
            f"fee {fill['fee']} {fill['fee_currency']} ({fill['record_id']})"
        )
    return text


_TALK = ("chat.", "model.", "tool.")
_OWN_WORDS = ("chat.answer", "model.", "tool.")
"""Records of what the chat itself said and did: no witness of anything, so only named."""
_SHOWN = 180


def records(data: Json, zone_name: str) -> str:
    """List journal records, newest first."""
    found = data.get("records", [])
    rows = [row for row in found if not str(row["kind"]).startswith(_TALK)] or found
    if not rows:
        return "The journal has no such record."
    lines = [f"From the journal, newest first (times in {zone_name}):"]
    for row in rows[:8]:
        is_own = str(row["kind"]).startswith(_OWN_WORDS)
        words = str(row["kind"]) if is_own else _cut(str(row.get("summary") or row["kind"]))
        lines.append(f"- {local_time(row['ts'], zone_name)} {words} ({row['id']})")
    return "\n".join(lines)


def _cut(text: str) -> str:
    """Cut a long text between two words: half an id or half a figure would be another one."""
    text = " ".join(text.split())
    if len(text) <= _SHOWN:
        return text
    head = text[: _SHOWN + 1].rpartition(" ")[0]
    return f"{head} …" if head else "(a text too long to show)"


def connections(data: Json) -> str:
    """List every light."""
    rows = data.get("lights", [])
    bad = [row for row in rows if row["state"] not in {"ok", "off"}]
    lines = ["Everything is connected." if not bad else "Not everything is well:"]
    lines += [
        f"- {row['name']}: {row['state']}" + (f", {row['detail']}" if row.get("detail") else "")
        for row in rows
    ]
    return "\n".join(lines)


def limits(data: Json, only: str | None = None) -> str:
    """List limits and what is used of them."""
    rows = [row for row in data.get("limits", []) if only is None or row["name"] == only]
    lines = ["Your limits:"]
    for row in rows:
        text = f"- {row['name']}: {_limit_value(row['value'], row)}"
        if row.get("used") is not None:
            text += f", used {_limit_value(row['used'], row)}"
        if row.get("pending"):
            pending = row["pending"]
            text += f", changes to {_limit_value(pending['value'], row)} at {pending['effective_at']}"
        lines.append(text)
    return "\n".join(lines)


def _limit_value(value: object, row: Json) -> str:
    unit = str(row.get("unit") or "")
    if unit == "USD":
        return rounded(value)
    return f"{amount(value)} {unit}" if unit not in {"", _NO_UNIT} else str(value)


_NO_UNIT = "word"
