"""What a person can do about a refusal, by the rule that refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_LOWER = "Ask for a smaller amount, or change that limit first (“what are my limits?”)."
_LATER_DAY = "Ask for a smaller amount, wait for the next UTC day, or change that limit first."
_WAIT = "Wait a moment and ask again; “status” shows what is not well."
_RELEASE = "Release the desk first, with Release on the page or `matrix release`; only you can do that."
_OTHER_PAIR = "Choose a pair that can be traded (“prices” lists them)."
_AS_TEXT_SAYS = "Ask again with what the rule wants."
_DRAWN_DOWN = "Only sales are taken until the account has recovered, or you change that limit."
_BY_RULE: Mapping[str, str] = {
    "mode": "Start the desk in paper mode.",
    "symbol": _OTHER_PAIR,
    "permitted": _OTHER_PAIR,
    "instrument_open": _OTHER_PAIR,
    "spot": _OTHER_PAIR,
    "numbers": _AS_TEXT_SAYS,
    "price_tick": _AS_TEXT_SAYS,
    "amount_step": _AS_TEXT_SAYS,
    "order_shape": _AS_TEXT_SAYS,
    "valuation": _WAIT,
    "kill_switch": _RELEASE,
    "per_order_usd": _LOWER,
    "per_symbol_usd": "Ask for a smaller amount, sell some of it, or change that limit first.",
    "global_open_plus_filled_day_usd": _LATER_DAY,
    "turnover_day_usd": _LATER_DAY,
    "daily_loss_usd": "Wait for the next UTC day, or change that limit first.",
    "drawdown_soft_pct": _DRAWN_DOWN,
    "drawdown_hard_pct": _DRAWN_DOWN,
    "balance": "Ask for no more than what is free (“my portfolio” shows it).",
    "collar": "Name a price nearer to the market, or none at all.",
    "minimum": "Ask for a larger amount.",
    "profit": "Ask for at least that price, or say that the sale is only meant to reduce.",
    "max_open_orders": "Cancel an open order first (“open orders” lists them).",
    "max_pending_approvals": "Approve or reject a waiting card first.",
    "orders_per_rolling_60s": "Wait a minute and ask again.",
    "messages_per_rolling_60s": "Wait a minute and ask again.",
    "cooldown_s": "Wait a moment and ask again.",
    "duplicate_window_s": "Wait a moment and ask again if you want the same order twice.",
    "self_cross": "Cancel your own order on the other side first.",
    "spread": "Wait until buyers and sellers are closer together, or choose another pair.",
    "market_present": _WAIT,
    "market_synced": _WAIT,
    "market_age": _WAIT,
    "market_crossed": _WAIT,
    "market_jump": _WAIT,
    "journal": _WAIT,
    "order_events": _WAIT,
    "reconciled": _WAIT,
    "clock": "Set this machine's clock right, then ask again.",
    "rejects_in_a_row": "See why with “search the journal for rejected”, then run `matrix release`.",
    "repeated_execution_per_hour": "Wait until the hour is over.",
}


def remedies(rules: Iterable[str]) -> list[str]:
    """Return what to do about these failed rules, each advice once, the way out of a halt first."""
    found = dict.fromkeys(_BY_RULE[rule] for rule in rules if rule in _BY_RULE)
    return [_RELEASE] if _RELEASE in found else list(found)
