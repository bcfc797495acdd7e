"""Answers that need no figures: who this is, what it can do, and what it will not do."""

from __future__ import annotations

from agent_graph.models.offline.steps import Ask, Say, Step

_EXAMPLES = (
    "- “btc price”, “order book of ethereum”, “hourly candles for solana”\n"
    "- “which pair is best right now?”, “what are my fees?”\n"
    "- “buy twenty-five dollars of bitcoin”, then approve the card\n"
    "- “sell it all at a profit of fifty cents”, “cancel it”\n"
    "- “my positions”, “open orders”, “my limits”\n"
    "- “why did we buy?”, “search the journal for rejected”\n"
    "- “STOP EVERYTHING” cancels every order and halts the desk at once"
)


def _mode(ask: Ask) -> str:
    if ask.context.get("desk"):
        return "I cannot reach the desk right now, so I cannot tell the mode; start it with `make run`."
    mode = str(ask.context.get("mode", "unknown"))
    line = str(ask.context.get("mode_line") or "")
    meaning = {
        "paper": "paper mode, so this is play money on the embedded exchange",
        "sandbox": "sandbox mode, so this is test money on the exchange's sandbox",
        "live": "live mode, so this is real money",
    }.get(mode, f"{mode} mode")
    said = f"You are in {meaning}."
    return f"{said} {line.rstrip('.')}." if line and line.lower() not in said.lower() else said


_WHO = (
    "I am crypto-matrix's offline planner: a plain program that matches what you write and calls the desk's "
    "tools. I am not a large language model and nothing you write leaves this machine."
)


def greet(ask: Ask) -> Step:
    """Say hello and what this is."""
    state = str(ask.context.get("kill_state") or "active")
    halted = "" if state == "active" else f" The desk is {state}; only you can release it."
    return Say(
        f"Hello! {_WHO} {_mode(ask)}{halted}\n\nAsk for a price, a trade or a reason; “help” shows examples."
    )


def identity(ask: Ask) -> Step:
    """Say what this is, which model and which mode."""
    return Say(f"{_WHO} {_mode(ask)} With a Google key in GEMINI_API_KEY, the chat uses Gemini.")


def thanks(_ask: Ask) -> Step:
    """Be polite."""
    return Say("You are welcome. The desk keeps watching; ask whenever you like.")


def help_text(_ask: Ask) -> Step:
    """List what can be asked for."""
    return Say(
        f"Here is what you can ask me:\n{_EXAMPLES}\n\nAn order is only sent after you approve its card."
    )


def unknown(_ask: Ask) -> Step:
    """Admit not having understood."""
    return Say(
        f"I did not understand that; I only know the desk's own subjects. You can say:\n{_EXAMPLES}\n\n"
        "What would you like to do?",
        asks=True,
    )


_SHOWN_ODD = 40


def odd_number(ask: Ask) -> Step:
    """Refuse a number that can be read in more than one way or not at all."""
    odd = ask.slots.odd
    what = f"“{odd}”" if len(odd) <= _SHOWN_ODD else "such a long number"
    return Say(
        f"I cannot read {what} as a plain number, so I did nothing. Write a positive "
        "number in plain digits with at most one point. How much do you mean?",
        asks=True,
    )


def maybe_stop(_ask: Ask) -> Step:
    """Ask whether a stop is meant: likeness alone stops nothing."""
    return Say(
        "I have stopped nothing, because I am not sure that you mean it. “STOP EVERYTHING” cancels every "
        "order and halts the desk at once, “cancel all” only cancels the orders, and “sell my btc” puts up a "
        "card for one holding. One pair alone cannot be paused. Which of these do you want?",
        asks=True,
    )


def about_stop(_ask: Ask) -> Step:
    """Explain the stop without stopping."""
    return Say(
        "Nothing was stopped; you only asked. “STOP EVERYTHING” here, Flatten & Pause on the page or "
        "`matrix kill` in a terminal cancels every open order and halts the desk at once. The chat then puts "
        "up a card that sells what you hold, and nothing is sold before you approve it. A halted desk takes "
        "no purchase until you press Release or run `matrix release`."
    )


def resize(ask: Ask) -> Step:
    """Say how a card is changed: the chat cannot do it."""
    card = "card that is up" if ask.context.get("pending_proposals") else "card"
    return Say(
        f"I changed nothing: Edit on the {card} changes its amount or price. Or ask for the whole order "
        "anew, such as “buy twenty dollars of btc”, and reject the old card. Which order do you want?",
        asks=True,
    )


def not_wanted(_ask: Ask) -> Step:
    """Take a denial for what it is."""
    return Say("Understood, I proposed nothing. What would you like instead?", asks=True)


def spot_only(_ask: Ask) -> Step:
    """Decline margin, leverage and short sales."""
    return Say(
        "Only spot trades are possible here: no margin, no leverage, no futures and no short sale, so I "
        "proposed nothing. Do you want to buy with dollars you have, or sell coins you hold?",
        asks=True,
    )


def asked_about_trade(_ask: Ask) -> Step:
    """Take no question for an order."""
    return Say(
        "That reads like a question, so I proposed nothing. For an order, write it without a question, such "
        "as “buy twenty dollars of btc”; for its costs, “break even if I buy twenty dollars of btc”. "
        "Which do you mean?",
        asks=True,
    )


def withdraw(_ask: Ask) -> Step:
    """Decline moving money."""
    return Say(
        "I cannot withdraw, deposit or send money or coins anywhere; there is no tool for it, on purpose. "
        "Do that on the exchange's own site. I can sell a holding into dollars on the account if you like."
    )


def predict(_ask: Ask) -> Step:
    """Decline predictions."""
    return Say(
        "I cannot predict prices, and I would not trust anyone who says they can. I can show the price, "
        "the recent candles, your break-even, or how the pairs rank after costs."
    )


def guarantee(_ask: Ask) -> Step:
    """Decline guarantees."""
    return Say(
        "Nobody can guarantee a profit, and I will not pretend to. What I can do is show every cost before "
        "you trade, refuse sales below break-even that are meant as profit, and keep to your limits."
    )


def self_approve(_ask: Ask) -> Step:
    """Decline to consent for the person."""
    return Say(
        "I cannot approve or reject a card, and typing here does not do it either: only your own click on "
        "the card counts, or `matrix approve` and `matrix reject` in a terminal."
    )


def release(_ask: Ask) -> Step:
    """Decline to release the latch."""
    return Say("Only you can release the desk: use Release on the page, or run `matrix release`.")


def stop_order(_ask: Ask) -> Step:
    """Say what can be done in the place of a stop order."""
    return Say(
        "The offline planner puts up no stop orders, so nothing was set. I can put up a sale at a limit "
        "price you name, or at a profit you name; to stop all trading, write “stop everything”."
    )


def secrets(_ask: Ask) -> Step:
    """Decline to show secrets."""
    return Say(
        "I hold no keys, tokens or passwords and cannot read any; they stay in the desk. Exchange keys "
        "cannot be set up in this release, and paper mode needs none. A Google key for the chat's model goes "
        "into the environment variable GEMINI_API_KEY. Never type a secret into the chat."
    )


def override(_ask: Ask) -> Step:
    """Decline to leave the rules."""
    return Say(
        "I cannot do that. Limits, checks, the mode and the kill switch live in the desk, outside of this "
        "chat, and nothing written here changes them. You can ask for a limit change, which puts up a card."
    )
