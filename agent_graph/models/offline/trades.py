"""Plans that end in a card or a cancel: buy, sell, cancel. What is missing is asked for, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

from agent_graph import wording
from agent_graph.evidence import to_decimal
from agent_graph.models.offline import answers, doubts
from agent_graph.models.offline.steps import Ask, Json, Say, Step, Use
from agent_graph.models.offline.symbols import unknown_coin, with_symbol
from domain.money import to_wire

_EXCEPT = re.compile(
    r"\b(?:except|besides|apart from|all but|everything but|but (?:not|keep|the)"
    r"|unless|if|when|after|tomorrow|later|half)\b.*"
)
_BOTH = re.compile(r"\b(?:both|every|each)\b")
_WHOLE = Decimal(100)
_SMALLEST = Decimal("0.00000001")
_RATIONALE = "The person asked in the chat: {text}"


def _rationale(ask: Ask) -> str:
    return _RATIONALE.format(text=ask.slots.text)[:400]


_HALTED = (
    "The desk is {state}, so it takes no purchase until you release it: press Release on the page or run "
    "`matrix release`. Then ask again."
)


def buy(ask: Ask) -> Step:
    """Put up a buy, when pair and size are clear; a halted desk is told at once, with the way out."""
    state = str(ask.context.get("kill_state") or "active")
    if state != "active":
        return Say(_HALTED.format(state=state))
    return with_symbol(ask, lambda symbols: _buy(ask, symbols), only_pointed=True)


def _buy(ask: Ask, symbols: tuple[str, ...]) -> Step:
    slots = ask.slots
    refused = _failed(ask)
    if refused:
        return refused
    if len(symbols) > 1:
        return _one_at_a_time(symbols)
    doubt = _doubt(ask, symbols[0])
    if doubt:
        return doubt
    name = answers.pair(symbols[0])
    if slots.wants_all or slots.share:
        return Say(f"How many dollars of {name} shall I propose to buy?", asks=True)
    if not slots.amount and not slots.notional:
        return Say(f"How much {name} do you want to buy, in dollars or in coins?", asks=True)
    size = {"amount": slots.amount} if slots.amount else {"notional_usd": slots.notional}
    args: dict[str, object] = {
        "symbol": symbols[0],
        "side": "buy",
        **size,
        "price": slots.price,
        "rationale": _rationale(ask),
    }
    args["options"] = list(slots.options)
    return Use([("propose_order", {k: v for k, v in args.items() if v})])


def _doubt(ask: Ask, symbol: str) -> Step | None:
    """Ask back when a part of the order is not understood; a dropped word could be the one that matters."""
    slots = ask.slots
    if len(slots.options) > 1:
        return Say(f"An order takes one of {wording.joined(slots.options)}. Which one?", asks=True)
    if slots.options and not slots.price:
        return Say(f"An order with {slots.options[0]} needs its own limit price. At which price?", asks=True)
    words = doubts.of_order(slots, known=wording.split_symbol(symbol)[0].lower())
    if words:
        return Say(
            f"I do not understand “{words}” in that order, so I proposed nothing. I can put up one order now "
            "or at a limit price, in US dollars or coins, with no condition and no date. "
            "Can you say it in such words?",
            asks=True,
        )
    if re.search(r"\blimit\b", slots.left) and not slots.price:
        return Say(f"At which limit price shall I propose to {slots.side or 'trade'}?", asks=True)
    return None


def _one_at_a_time(symbols: Sequence[str]) -> Say:
    names = wording.joined([answers.pair(symbol) for symbol in symbols], "or")
    return Say(f"One order at a time, please, so that its card is clear. Which first: {names}?", asks=True)


def _failed(ask: Ask) -> Step | None:
    """Say why a proposal or a reading before it failed."""
    last = ask.done[-1] if ask.done else None
    if last is None or not last.error:
        return None
    return Say(f"{wording.error_sentence(last.error)} Nothing was sent.")


def sell(ask: Ask) -> Step:
    """Put up a sell; with a profit, at the target price that clears all costs."""
    named = ask.slots.symbols or unknown_coin(ask) or ask.slots.odd
    if named or (ask.slots.points_back and ask.recent_symbol()):
        return with_symbol(ask, lambda symbols: _sell(ask, symbols))
    return _sell_held(ask)


def _positions(ask: Ask) -> list[Json]:
    found = ask.last("portfolio")
    return list(found.data.get("positions", [])) if found and not found.error else []


def _sell_held(ask: Ask) -> Step:
    if ask.last("portfolio") is None:
        return Use([("portfolio", {})])
    held = _positions(ask)
    if not held:
        return _failed(ask) or Say("You hold no coins, so there is nothing to sell.")
    if len(held) > 1:
        lines = "\n".join(f"- {answers.position_line(row)}" for row in held)
        return Say(f"You hold:\n{lines}\nWhich one shall I propose to sell?", asks=True)
    return _sell(ask, (str(held[0]["symbol"]),))


def _sell(ask: Ask, symbols: tuple[str, ...]) -> Step:
    refused = _failed(ask)
    if refused:
        return refused
    if len(symbols) > 1:
        return _one_at_a_time(symbols)
    missing = _doubt(ask, symbols[0]) or _missing_for_sale(ask, symbols[0])
    if missing:
        return missing
    slots, symbol = ask.slots, symbols[0]
    if slots.profit:
        return _sell_at_profit(ask, symbol)
    if slots.wants_all or (slots.share and not slots.amount and not slots.notional):
        return _sell_holding(ask, symbol)
    size = {"amount": slots.amount} if slots.amount else {"notional_usd": slots.notional}
    return _propose_sell(ask, symbol, size, slots.price, "reduce")


def _missing_for_sale(ask: Ask, symbol: str) -> Step | None:
    """Ask for what must be known first; look at the holding before asking how much of it."""
    slots = ask.slots
    if slots.profit or (slots.has_size and not slots.wants_profit) or (slots.price and slots.has_size):
        return None
    if slots.percent and slots.wants_profit:
        return Say(
            "I aim for a profit in dollars, not in per cent. How many dollars should remain?", asks=True
        )
    if slots.wants_profit and not slots.price:
        return Say("How many dollars of profit should remain after all fees?", asks=True)
    if ask.last("portfolio") is None:
        return Use([("portfolio", {})])
    row = _held(ask, symbol)
    if row is None:
        return _holds_none(symbol)
    _, quote = wording.split_symbol(symbol)
    price = f" at {wording.money(slots.price, quote)}" if slots.price else ""
    return Say(
        f"You hold {answers.position_line(row)}. All of it, or how much shall I propose to sell{price}?",
        asks=True,
    )


def _held(ask: Ask, symbol: str) -> Json | None:
    base, _ = wording.split_symbol(symbol)
    return next((row for row in _positions(ask) if str(row["asset"]).upper() == base), None)


def _holds_none(symbol: str) -> Say:
    base, _ = wording.split_symbol(symbol)
    return Say(f"You hold no {base}, so there is nothing to sell.")


def _sell_holding(ask: Ask, symbol: str) -> Step:
    if ask.last("portfolio") is None:
        return Use([("portfolio", {})])
    row = _held(ask, symbol)
    if row is None:
        return _holds_none(symbol)
    amount = str(row["amount"])
    if ask.slots.share and not ask.slots.wants_all:
        share = Decimal(ask.slots.share)
        if not 0 < share <= _WHOLE:
            return Say("Which part of it, from 1 to 100 per cent, shall I propose to sell?", asks=True)
        amount = to_wire((Decimal(amount) * share / _WHOLE).quantize(_SMALLEST, ROUND_DOWN))
    return _propose_sell(ask, symbol, {"amount": amount}, ask.slots.price, "reduce")


def _sell_at_profit(ask: Ask, symbol: str) -> Step:
    slots = ask.slots
    known = ask.last("break_even")
    if known is None:
        args = {"symbol": symbol, "side": "sell", "amount": slots.amount, "profit_usd": slots.profit}
        if slots.notional and not slots.amount:
            args["notional_usd"] = slots.notional
        return Use([("break_even", {k: v for k, v in args.items() if v})])
    data = known.data
    size = {"amount": str(data["amount"])}
    step = _propose_sell(ask, symbol, size, str(data["target_price"]), "take_profit")
    return Use(step.calls, text=answers.break_even(data)) if isinstance(step, Use) else step


def _propose_sell(
    ask: Ask, symbol: str, size: Mapping[str, str | None], price: str | None, purpose: str
) -> Step:
    if ask.slots.wants_profit and price:
        purpose = "take_profit"
    args = {
        "symbol": symbol,
        "side": "sell",
        **size,
        "price": price,
        "purpose": purpose,
        "rationale": _rationale(ask),
        "options": list(ask.slots.options),
    }
    return Use([("propose_order", {k: v for k, v in args.items() if v})])


def cancel(ask: Ask) -> Step:
    """Cancel the order that is meant; ask back when several could be."""
    done = ask.last("cancel_order")
    if done is not None:
        return Say(
            wording.error_sentence(done.error) if done.error else wording.cancelled_sentences(done.data)
        )
    exception = _EXCEPT.search(ask.slots.text.lower())
    if exception:
        return Say(
            f"I do not understand “{exception.group()}” for a cancel, so I cancelled nothing. Name one order "
            "by its id (“open orders” lists them), or say “cancel all”. Which shall I cancel?",
            asks=True,
        )
    if ask.slots.order_id:
        return Use([("cancel_order", {"order_id": ask.slots.order_id})])
    if ask.slots.wants_all or _BOTH.search(ask.slots.text.lower()):
        return Use([("cancel_order", {"scope": "session"})])
    return _cancel_named(ask)


def _cancel_named(ask: Ask) -> Step:
    listed = ask.last("orders")
    if listed is None:
        return Use([("orders", {"state": "open"})])
    if listed.error:
        return Say(wording.error_sentence(listed.error))
    return _cancel_one(ask, list(listed.data.get("orders", [])))


def _cancel_one(ask: Ask, rows: list[Json]) -> Step:
    if ask.slots.symbols:
        rows = [row for row in rows if row["symbol"] in ask.slots.symbols]
    if ask.slots.side and len(rows) > 1:
        rows = [row for row in rows if row["side"] == ask.slots.side] or rows
    named = {ask.slots.bare, ask.slots.price, ask.slots.notional} - {None}
    if named and len(rows) > 1:
        rows = [row for row in rows if _names_price(named, row)] or rows
    if not rows:
        return Say("There is no such open order. If a card is still up, reject it on the card.")
    if len(rows) > 1:
        rows = _talked_about(ask, rows)
    if len(rows) > 1:
        lines = "\n".join(f"- {answers.order_line(row)}" for row in rows)
        return Say(f"Several orders are open:\n{lines}\nWhich one, or all of them?", asks=True)
    name = rows[0].get("order_id") or rows[0]["client_order_id"]
    return Use([("cancel_order", {"order_id": str(name)})])


def _names_price(named: Iterable[str | None], row: Json) -> bool:
    price = to_decimal(str(row.get("price")))
    return price is not None and any(text is not None and to_decimal(text) == price for text in named)


def _talked_about(ask: Ask, rows: list[Json]) -> list[Json]:
    """Keep the one order that was named last in the chat, when there is one."""
    for _, text in reversed(ask.window):
        named = [row for row in rows if row.get("order_id") and str(row["order_id"]) in text]
        if named:
            return named if len(named) == 1 else rows
    return rows


_LIMIT_WORDS: Sequence[tuple[str, str]] = (
    ("per_order_usd", r"per[ _]?order|order limit|order size|single order|each order|biggest order"),
    ("per_symbol_usd", r"per[ _]?(?:symbol|coin|pair)|each (?:coin|pair)|symbol limit"),
    ("daily_loss_usd", r"(?:daily|day)[ _]?loss|loss limit|lose (?:a|per) day"),
    ("turnover_day_usd", r"turnover"),
    ("global_open_plus_filled_day_usd", r"global|total (?:limit|per day)|open plus filled|per day limit"),
    ("orders_per_rolling_60s", r"orders? (?:per|a) (?:minute|60)|order rate"),
    ("max_open_orders", r"open[ _]?orders"),
    ("max_pending_approvals", r"pending[ _]?(?:approvals?|cards?)"),
    ("approval_ttl_s", r"approval (?:time|ttl|expiry)|card (?:time|expiry)"),
    ("price_collar_pct", r"collar"),
    ("max_spread_pct", r"spread"),
    ("slippage_buffer_bps", r"slippage"),
    ("cooldown_s", r"cool ?down"),
    ("drawdown_soft_pct", r"soft drawdown|drawdown soft"),
    ("drawdown_hard_pct", r"drawdown"),
)


def closest_limit(text: str, names: Sequence[str]) -> str | None:
    """Return the limit that a text names, among those that exist."""
    lowered = text.lower()
    for name in names:
        if name in lowered or name.replace("_", " ") in lowered:
            return name
    return next((name for name, words in _LIMIT_WORDS if name in names and re.search(words, lowered)), None)
