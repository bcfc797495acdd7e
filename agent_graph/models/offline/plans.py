"""One plan per intent: which tools to call, and what to answer from their results."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from agent_graph import wording
from agent_graph.models.offline import answers, doubts, facts, talk, trades
from agent_graph.models.offline.steps import Ask, Say, Step, Use
from agent_graph.models.offline.symbols import listed, unknown_coin, with_symbol
from tools.registry import INTERVALS

Plan = Callable[[Ask], Step]


def closing(ask: Ask) -> Step | None:
    """Return the closing words when a card of this turn was settled or refused; the plan is over then."""
    finals = [card for item in ask.done for card in item.data.get("final", [])]
    fresh = [card for card in finals if not card.get("already_told")]
    if fresh:
        return Say("\n\n".join(wording.outcome_sentences(card) for card in fresh))
    refused = [item.data for item in ask.done if item.data.get("state") == "refused"]
    if refused:
        return Say("\n\n".join(wording.refusal_sentences(card) for card in refused))
    return None


def _reads(
    tool: str, say: Callable[[Ask, Mapping[str, object]], str]
) -> Callable[[Ask, dict[str, object]], Step]:
    """Return a step maker: call the tool once, then say its result or its error."""

    def step(ask: Ask, args: dict[str, object]) -> Step:
        found = ask.last(tool)
        if found is None:
            return Use([(tool, args)])
        if found.error:
            return Say(wording.error_sentence(found.error))
        return Say(say(ask, found.data))

    return step


def _status(ask: Ask, data: Mapping[str, object]) -> str:
    state = ask.context.get("kill_state", "active")
    line = str(ask.context.get("mode_line") or f"Mode: {ask.context.get('mode', 'unknown')}")
    first = f"{line.rstrip('.')}. The desk is {state}."
    if state != "active" and ask.context.get("kill_reason"):
        first += f" Reason: {ask.context['kill_reason']}."
    return f"{first}\n{answers.connections(data)}"


_prices = _reads("prices", lambda _, data: answers.prices(data))
_book = _reads("book", lambda _, data: answers.book(data))
_candles = _reads("candles", lambda _, data: answers.candles(data))
_rank = _reads("rank_pairs", lambda _, data: answers.ranking(data))
_fees = _reads("fees", lambda _, data: answers.fees(data))
_break_even = _reads("break_even", lambda _, data: answers.break_even(data))
_portfolio = _reads("portfolio", lambda _, data: answers.portfolio(data))
_fees_paid = _reads("portfolio", lambda _, data: answers.fees_paid(data))
_connections = _reads("connections", _status)
_explain = _reads("explain_trade", lambda _, data: answers.explanation(data))
_search = _reads("search_journal", lambda ask, data: answers.records(data, ask.zone))
_meaning = _reads("limits", lambda ask, data: facts.meaning_of(_limit_name(ask, data), data))
_limits = _reads("limits", lambda ask, data: answers.limits(data, _limit_name(ask, data)))


def price(ask: Ask) -> Step:
    """Show quotes of one pair, several, or all."""
    foreign = doubts.foreign_money(ask.slots.text)
    if foreign:
        return Say(
            f"I have no prices in “{foreign}”; pairs here are quoted in US dollars. Shall I show those?",
            asks=True,
        )
    return with_symbol(ask, lambda symbols: _price_of(ask, symbols), or_all=True)


def _price_of(ask: Ask, symbols: tuple[str, ...]) -> Step:
    if len(symbols) <= 1:
        return _prices(ask, {"symbol": symbols[0]} if symbols else {})
    done = [item for item in ask.done if item.name == "prices"]
    if not done:
        return Use([("prices", {"symbol": symbol}) for symbol in symbols])
    return Say(
        "\n".join(
            wording.error_sentence(item.error) if item.error else answers.prices(item.data) for item in done
        )
    )


_DEEPEST = 50


def book(ask: Ask) -> Step:
    """Show the order book of one pair."""
    if ask.slots.depth is not None and not 1 <= ask.slots.depth <= _DEEPEST:
        return Say(f"The book can be shown with 1 to {_DEEPEST} levels a side. How many?", asks=True)
    depth = {"depth": ask.slots.depth} if ask.slots.depth else {}
    return with_symbol(ask, lambda symbols: _book(ask, {"symbol": symbols[0], **depth}))


_MOST_CANDLES = 200
_ODD_INTERVAL = re.compile(
    r"(?<!last )(?<!past )(?<!the )\b[0-9]+\s?-?(?:m|min|minute|h|hr|hour|d|day|w|week)s?\b"
)


def candles(ask: Ask) -> Step:
    """Show candles of one pair, hourly unless said otherwise."""
    odd = _ODD_INTERVAL.search(ask.slots.text.lower())
    if odd and not ask.slots.interval:
        return Say(
            f"There are no candles of “{odd.group()}”. The lengths are "
            f"{wording.joined(INTERVALS)}. Which one?",
            asks=True,
        )
    if ask.slots.count is not None and not 1 <= ask.slots.count <= _MOST_CANDLES:
        return Say(f"I can show from 1 to {_MOST_CANDLES} candles at once. How many?", asks=True)
    args: dict[str, object] = {"interval": ask.slots.interval or "1h"}
    if ask.slots.count:
        args["limit"] = ask.slots.count
    return with_symbol(ask, lambda symbols: _candles(ask, {"symbol": symbols[0], **args}))


def rank(ask: Ask) -> Step:
    """Rank the best pairs."""
    return _rank(ask, {"top": ask.slots.top} if ask.slots.top and ask.slots.top <= 20 else {})


def fees(ask: Ask) -> Step:
    """Show the account's fees."""
    return _fees(ask, {})


def break_even(ask: Ask) -> Step:
    """Show break-even of a holding, or of a purchase of the named size."""
    slots = ask.slots
    profit = slots.profit or (slots.notional if "make" in slots.text.lower() else None)
    size = {"amount": slots.amount} if slots.amount else {}
    if slots.notional and slots.notional != profit:
        size = {"notional_usd": slots.notional}
    side = slots.side or ("buy" if size else "sell")
    args: dict[str, object] = {"side": side, **size}
    args |= {k: v for k, v in (("price", slots.price), ("profit_usd", profit)) if v}
    return with_symbol(ask, lambda symbols: _break_even(ask, {"symbol": symbols[0], **args}))


_ONLY_TODAY = (
    "Results of {period} are not kept yet: this release knows the holdings of now and the result of today."
)
_PERIOD_WORDS: Mapping[str, str] = {
    "yesterday": "yesterday",
    "7d": "a week",
    "30d": "a month",
    "all": "all time",
}


def portfolio(ask: Ask) -> Step:
    """Show cash, positions, profit and loss; of another period than today, say that it is not kept."""
    step = _portfolio(ask, {"period": "today"} if ask.slots.period == "today" else {})
    return _with_period_note(ask, step)


def fees_paid(ask: Ask) -> Step:
    """Show what was paid in fees today."""
    return _with_period_note(ask, _fees_paid(ask, {}))


def _with_period_note(ask: Ask, step: Step) -> Step:
    period = _PERIOD_WORDS.get(ask.slots.period or "")
    if period and isinstance(step, Say):
        return Say(f"{_ONLY_TODAY.format(period=period)}\n{step.text}")
    return step


def orders(ask: Ask) -> Step:
    """Show open orders, or others when asked for."""
    lowered = ask.slots.text.lower()
    is_open = any(word in lowered for word in ("open", "resting", "pending", "live", "waiting"))
    is_past = any(
        word in lowered
        for word in (
            "fill",
            "closed",
            "history",
            "past",
            "recent",
            "trade",
            "today",
            "yesterday",
            "through",
            "last",
            "did",
        )
    )
    state = "open" if is_open else "closed" if "closed" in lowered else "all" if is_past else "open"
    args = {"state": state, "symbol": ask.slots.symbol, "period": ask.slots.period}
    found = ask.last("orders")
    if found is None:
        return Use([("orders", {k: v for k, v in args.items() if v})])
    return Say(wording.error_sentence(found.error) if found.error else answers.orders(found.data, state))


def explain(ask: Ask) -> Step:
    """Tell why a trade was made."""
    slots = ask.slots
    args = {"time": slots.time, "symbol": slots.symbol, "side": slots.side, "order_id": slots.order_id}
    return _explain(ask, {k: v for k, v in args.items() if v})


_NOISE_WORDS = """
search the journal journals for about show me what does say in entries records record any up look find
of please happened went a an and i to
with my our that has been going on recent last all log logs can you is are there
"""
_KINDS: Mapping[str, str] = {
    "fill": "fill",
    "fills": "fill",
    "filled": "fill",
    "orders": "order.*",
    "verdicts": "verdict",
    "approvals": "consent",
    "approved": "consent",
    "consents": "consent",
}
_SEARCH_NOISE = frozenset(_NOISE_WORDS.split())


_RECORD_ID = re.compile(r"\bR-[0-9A-HJKMNP-TV-Z]{26}\b", re.IGNORECASE)


def search(ask: Ask) -> Step:
    """Search the journal by the words that are left of the question."""
    slots = ask.slots
    record = _RECORD_ID.search(slots.text)
    if record:
        return _search(ask, {"text": record.group().upper()})
    spoken = {"today", "yesterday", "week", "month", "days"} if slots.period else set()
    words = [w for w in slots.text.lower().replace("?", " ").split() if w not in _SEARCH_NOISE | spoken]
    text = " ".join(words)
    args: dict[str, object] = {"period": slots.period, "order_id": slots.order_id}
    if slots.symbols and len(words) <= 1:
        args["symbol"], text = slots.symbol, ""
    kind = next((_KINDS[word] for word in words if word in _KINDS), None)
    args |= {"kind": kind, "text": None if kind else text or None}
    return _search(ask, {k: v for k, v in args.items() if v})


def connections(ask: Ask) -> Step:
    """Show lights, mode and the latch."""
    return _connections(ask, {})


def limits_show(ask: Ask) -> Step:
    """Show the limits."""
    return _limits(ask, {})


def meaning(ask: Ask) -> Step:
    """Explain a limit with its value."""
    return _meaning(ask, {})


def _limit_name(ask: Ask, data: Mapping[str, object]) -> str | None:
    rows = data.get("limits")
    names = [str(row["name"]) for row in rows] if isinstance(rows, list) else []
    return trades.closest_limit(ask.slots.text, names)


def limit_change(ask: Ask) -> Step:
    """Put up a card that asks the person to change one limit."""
    found = ask.last("limits")
    if found is None:
        return Use([("limits", {})])
    if found.error:
        return Say(wording.error_sentence(found.error))
    name = _limit_name(ask, found.data)
    slots = ask.slots
    value = slots.notional or slots.bare or slots.price or slots.percent
    strange = slots.odd or doubts.of_limit(slots)
    if strange:
        return Say(
            f"I do not understand “{strange}” in that change, so I changed nothing. To which plain, positive "
            "number should the limit change?",
            asks=True,
        )
    if name is None:
        return Say(
            f"{answers.limits(found.data)}\nWhich of these should change, and to which value?", asks=True
        )
    if value is None:
        return Say(f"{answers.limits(found.data, name)}\nTo which value should it change?", asks=True)
    return Use([("limits", {"name": name, "value": value})])


def stop(ask: Ask) -> Step:
    """Stop everything, at once."""
    found = ask.last("flatten_and_pause")
    if found is None:
        return Use([("flatten_and_pause", {})])
    if found.error:
        return Say(
            f"The stop did not get through: {wording.error_sentence(found.error)} "
            "Use Flatten & Pause on the page, or run `matrix kill` now."
        )
    return Say(wording.stopped_sentences(found.data))


def advice(ask: Ask) -> Step:
    """Give no advice; show how the pairs rank after costs."""
    step = _rank(ask, {})
    if not isinstance(step, Say):
        return step
    return Say(
        "I give no advice on whether to trade and proposed nothing. This is what the figures say.\n"
        + step.text
    )


def asked_about_change(ask: Ask) -> Step:
    """Answer a question about limits or cancelling with what there is now; it changes nothing."""
    if re.search(r"\border", ask.slots.text.lower()) and "limit" not in ask.slots.text.lower():
        return orders(ask)
    return limits_show(ask)


def unknown(ask: Ask) -> Step:
    """Admit that it was not understood, after looking for an unknown coin."""
    if ask.slots.odd:
        return talk.odd_number(ask)
    if unknown_coin(ask):
        return listed(ask)
    return talk.unknown(ask)


PLANS: Mapping[str, Plan] = {
    "stop": stop,
    "greet": talk.greet,
    "thanks": talk.thanks,
    "identity": talk.identity,
    "help": talk.help_text,
    "price": price,
    "book": book,
    "candles": candles,
    "rank": rank,
    "fees": fees,
    "break_even": break_even,
    "portfolio": portfolio,
    "fees_paid": fees_paid,
    "orders": orders,
    "buy": trades.buy,
    "sell": trades.sell,
    "cancel": trades.cancel,
    "explain": explain,
    "search": search,
    "connections": connections,
    "limits": limits_show,
    "limit_change": limit_change,
    "withdraw": talk.withdraw,
    "predict": talk.predict,
    "guarantee": talk.guarantee,
    "self_approve": talk.self_approve,
    "release": talk.release,
    "stop_order": talk.stop_order,
    "secrets": talk.secrets,
    "override": talk.override,
    "maybe_stop": talk.maybe_stop,
    "about_stop": talk.about_stop,
    "resize": talk.resize,
    "not_wanted": talk.not_wanted,
    "spot_only": talk.spot_only,
    "asked_about_trade": talk.asked_about_trade,
    "clock": facts.clock,
    "cards": facts.cards,
    "basis_points": facts.basis_points,
    "meaning": meaning,
    "advice": advice,
    "asked_about_change": asked_about_change,
    "unknown": unknown,
}
