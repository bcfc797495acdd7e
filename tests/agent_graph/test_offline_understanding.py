"""The planner understands paraphrases, slips and other orders of words that it was not given as examples."""

from __future__ import annotations

import pytest

from agent_graph.models.offline import examples
from agent_graph.models.offline.intent import classify
from agent_graph.models.offline.planner import plan
from agent_graph.models.offline.slots import fill
from agent_graph.models.offline.steps import Done, Say, Step, Use
from tests.agent_graph.utterances import (
    ASKS_BACK,
    COLLOQUIAL,
    COLLOQUIAL_SAYS,
    MEANT,
    NEVER_STOPS,
    SAYS,
    USES,
)

CONTEXT = {"mode": "paper", "mode_line": "PAPER: play money", "kill_state": "active", "timezone": "UTC"}


@pytest.mark.parametrize(("text", "tool", "args"), USES, ids=[u[0] for u in USES])
def test_first_step_calls_the_right_tool(text: str, tool: str, args: dict[str, object]):
    step = plan(text, context=CONTEXT)
    assert isinstance(step, Use), step
    name, given = step.calls[0]
    assert name == tool
    assert {key: given.get(key) for key in args} == args


@pytest.mark.parametrize(("text", "intent"), SAYS, ids=[s[0] for s in SAYS])
def test_words_are_answered_without_any_tool(text: str, intent: str):
    assert classify(fill(text))[0] == intent
    assert isinstance(plan(text, context=CONTEXT), Say)


def test_colloquial_requests_are_nearly_all_understood():
    missed = [text for text, tool, args in COLLOQUIAL if not _calls(plan(text, context=CONTEXT), tool, args)]
    missed += [text for text, intent in COLLOQUIAL_SAYS if classify(fill(text))[0] != intent]
    assert len(missed) <= 3, missed


def test_no_question_and_no_sale_ever_becomes_a_purchase():
    for text, tool, _ in (*USES, *COLLOQUIAL):
        step = plan(text, context=CONTEXT)
        if tool != "propose_order" and isinstance(step, Use):
            assert all(name != "propose_order" for name, _ in step.calls), text


def _calls(step: Step, tool: str, args: dict[str, object]) -> bool:
    if not isinstance(step, Use):
        return False
    name, given = step.calls[0]
    return name == tool and all(given.get(key) == value for key, value in args.items())


@pytest.mark.parametrize(
    ("text", "named"), [("cancel the 62000 one", "2"), ("cancel the one at $63,000", "1"), ("cancel it", "3")]
)
def test_cancel_finds_the_order_by_its_price_or_by_what_was_told_last(text: str, named: str):
    rows = [
        {"order_id": f"1795166678518065{n}", "symbol": "btcusd", "side": "buy", "amount": "1", "price": price,
         "state": "open", "filled": "0"}
        for n, price in ((3, "61000.5"), (2, "62000"), (1, "63000.00"))
    ]  # fmt: skip
    window = _window(
        "buy 0.001 btc at 61000.5", "Order 17951666785180653 is resting on the book: buy 0.001 BTC."
    )
    done = [Done(name="orders", args={"state": "open"}, data={"orders": rows})]
    step = plan(text, context=CONTEXT, window=window, done=done)
    assert step == Use([("cancel_order", {"order_id": f"1795166678518065{named}"})])


def test_free_wordings_are_nearly_all_understood():
    missed = [(text, intent) for text, intent in MEANT if classify(fill(text))[0] != intent]
    assert len(missed) <= len(MEANT) * 0.05, missed
    assert not [text for text, intent in missed if intent == "stop"]


@pytest.mark.parametrize("text", NEVER_STOPS)
def test_stop_is_not_heard_where_it_was_not_said(text: str):
    step = plan(text, context=CONTEXT)
    names = [name for name, _ in step.calls] if isinstance(step, Use) else []
    assert "flatten_and_pause" not in names


@pytest.mark.parametrize("text", ASKS_BACK)
def test_missing_or_odd_things_are_asked_back_not_guessed(text: str):
    step = plan(text, context=CONTEXT)
    assert isinstance(step, Say), step
    assert step.asks
    assert step.text.rstrip().endswith("?")


def test_utterances_are_many_and_not_the_examples():
    known = {text.lower() for texts in examples.EXAMPLES.values() for text in texts}
    told = [u[0] for u in USES + MEANT] + [s[0] for s in SAYS] + list(ASKS_BACK) + list(NEVER_STOPS)
    fresh = {text for text in told if text.lower() not in known}
    assert len(fresh) >= 240, sorted(set(told) - fresh)


def _window(*lines: str) -> list[tuple[str, str]]:
    return [(("person", "assistant")[i % 2], line) for i, line in enumerate(lines)]


def test_answer_to_a_question_completes_the_request():
    window = _window("buy some btc", "How much BTC/USD do you want to buy, in dollars or in coins?")
    step = plan("25 dollars", context=CONTEXT, window=window)
    assert isinstance(step, Use)
    assert step.calls[0][1]["notional_usd"] == "25"
    assert step.calls[0][1]["symbol"] == "btcusd"


def test_named_pair_completes_the_request():
    step = plan(
        "eth", context=CONTEXT, window=_window("buy $25", "Which pair do you mean, for example BTC/USD?")
    )
    assert isinstance(step, Use)
    assert step.calls[0][1] | {"rationale": ""} == {
        "symbol": "ethusd",
        "side": "buy",
        "notional_usd": "25",
        "rationale": "",
    }


def test_stop_wins_over_an_open_question():
    step = plan(
        "stop", context=CONTEXT, window=_window("buy some btc", "How much BTC/USD do you want to buy?")
    )
    assert isinstance(step, Use)
    assert step.calls[0][0] == "flatten_and_pause"


def test_it_means_what_was_talked_about_last():
    window = _window("btc price", "BTC/USD: bid …", "how is eth", "ETH/USD: bid …")
    step = plan("sell it all at a profit of 25 cents", context=CONTEXT, window=window)
    assert isinstance(step, Use)
    assert step.calls == [("break_even", {"symbol": "ethusd", "side": "sell", "profit_usd": "0.25"})]


def test_sell_it_all_without_context_looks_at_the_portfolio():
    step = plan("sell it all", context=CONTEXT)
    assert step == Use([("portfolio", {})])
    held = {"positions": [{"asset": "BTC", "symbol": "btcusd", "amount": "0.00038"}]}
    step = plan("sell it all", context=CONTEXT, done=[Done(name="portfolio", args={}, data=held)])
    assert isinstance(step, Use)
    assert step.calls[0][1]["amount"] == "0.00038"


def test_a_bare_buy_never_takes_a_pair_from_earlier_talk():
    window = _window("btc price", "BTC/USD: bid …")
    assert isinstance(plan("buy $25", context=CONTEXT, window=window), Say)
    step = plan("buy $25 more", context=CONTEXT, window=window)
    assert isinstance(step, Use)
    assert step.calls[0][1]["symbol"] == "btcusd"


def test_sell_everything_means_the_holdings_not_the_last_topic():
    step = plan("sell everything", context=CONTEXT, window=_window("eth price", "ETH/USD: bid …"))
    assert step == Use([("portfolio", {})])


def test_pairs_in_our_own_words_are_no_topic():
    window = _window("help", "You can ask “btc price” or “buy bitcoin”.")
    assert isinstance(plan("sell it all", context=CONTEXT, window=window), Use)
    assert plan("sell it all", context=CONTEXT, window=window) == Use([("portfolio", {})])


def test_a_stop_loss_is_declined_plainly():
    step = plan("set a stop loss at 60000", context=CONTEXT)
    assert isinstance(step, Say)
    assert "no stop orders" in step.text


def test_profit_sale_takes_target_and_amount_from_the_tool():
    data = {
        "symbol": "btcusd",
        "amount": "0.00038224",
        "entry_price": "65501.05",
        "entry_source": "average cost",
        "entry_fee": "0",
        "exit_fee": "0.10",
        "exit_fee_bps": "40",
        "spread": "6.53",
        "slippage_buffer_bps": "5",
        "break_even_price": "65800.42",
        "target_price": "66457.42",
        "profit_usd": "0.25",
        "mid": "65236.82",
        "move_needed_pct": "0.86",
    }
    done = [Done(name="break_even", args={"symbol": "btcusd"}, data=data)]
    step = plan("sell all my btc at a profit of 25 cents", context=CONTEXT, done=done)
    assert isinstance(step, Use)
    name, args = step.calls[0]
    assert (name, args["price"], args["amount"], args["purpose"]) == (
        "propose_order",
        "66457.42",
        "0.00038224",
        "take_profit",
    )
    assert "66,457.42" in step.text


@pytest.mark.parametrize("count", [0, 1, 2])
def test_cancel_it_cancels_only_what_is_certain(count: int):
    rows = [
        {"order_id": f"1795166678518065{n}", "symbol": "btcusd", "side": "sell", "amount": "1", "price": "2",
         "state": "open", "filled": "0"}
        for n in range(count)
    ]  # fmt: skip
    done = [Done(name="orders", args={"state": "open"}, data={"orders": rows})]
    step = plan("cancel it", context=CONTEXT, done=done)
    if count == 1:
        assert step == Use([("cancel_order", {"order_id": "17951666785180650"})])
    else:
        assert isinstance(step, Say)
        assert step.asks is (count == 2)


def test_unknown_coin_is_named_and_what_can_be_traded_is_listed():
    rows = [{"symbol": "btcusd"}, {"symbol": "ethusd"}]
    done = [Done(name="prices", args={}, data={"prices": rows})]
    step = plan("buy $25 of foocoin", context=CONTEXT, done=done)
    assert isinstance(step, Say)
    assert "foocoin" in step.text
    assert "BTC/USD and ETH/USD" in step.text


def test_a_coin_only_the_desk_knows_is_taken_from_its_list():
    done = [Done(name="prices", args={}, data={"prices": [{"symbol": "wifusd"}]})]
    step = plan("buy $25 of wif", context=CONTEXT, done=done)
    assert isinstance(step, Use)
    assert step.calls[0][1]["symbol"] == "wifusd"


def test_greeting_says_what_it_is_and_the_mode():
    step = plan("hi", context=CONTEXT)
    assert isinstance(step, Say)
    assert "offline planner" in step.text
    assert "not a large language model" in step.text
    assert "paper" in step.text


def test_limit_change_names_the_limit_and_the_value():
    data = {"limits": [{"name": "per_order_usd", "value": "100", "unit": "USD"}]}
    done = [Done(name="limits", args={}, data=data)]
    step = plan("raise my per order limit to $150", context=CONTEXT, done=done)
    assert step == Use([("limits", {"name": "per_order_usd", "value": "150"})])


def test_a_failed_stop_says_what_to_do_now():
    done = [Done(name="flatten_and_pause", args={}, data={"error": {"message": "the desk does not answer"}})]
    step = plan("STOP EVERYTHING", context=CONTEXT, done=done)
    assert isinstance(step, Say)
    assert "matrix kill" in step.text


DAY = {"pnl_usd": "1", "realised_usd": "1", "unrealised_usd": "0", "fees_usd": "0.0997", "turnover_usd": "25"}
HOLDING = {"equity_usd": "10001", "cash": [], "positions": [], "day": DAY}


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("profit and loss for this week", "Results of a week are not kept yet"),
        ("how did i do yesterday", "Results of yesterday are not kept yet"),
        ("what fees did i pay this month", "Results of a month are not kept yet"),
        ("how am i doing today", ""),
    ],
)
def test_results_of_other_periods_than_today_are_said_not_to_be_kept(text: str, note: str):
    step = plan(text, context=CONTEXT, done=[Done(name="portfolio", args={}, data=HOLDING)])
    assert isinstance(step, Say)
    assert note in step.text
    assert ("not kept" in step.text.partition("\n")[0]) is bool(note)


def test_fees_paid_today_are_told_from_the_portfolio():
    for text in (
        "how much did I pay in fees today",
        "fees paid so far today?",
        "what did i pay in fees today",
    ):
        step = plan(text, context=CONTEXT)
        assert isinstance(step, Use), text
        assert step.calls[0][0] == "portfolio"
        step = plan(text, context=CONTEXT, done=[Done(name="portfolio", args={}, data=HOLDING)])
        assert isinstance(step, Say)
        assert "You paid $0.0997 in fees today" in step.text


@pytest.mark.parametrize("text", ["buy $25 of btc", "buy some eth", "get me 20 bucks of sol"])
def test_a_halted_desk_answers_a_buy_with_the_way_out(text: str):
    step = plan(text, context={**CONTEXT, "kill_state": "halted"})
    assert isinstance(step, Say)
    assert "The desk is halted" in step.text
    assert "matrix release" in step.text


def test_secrets_are_not_sent_to_a_command_that_does_not_exist():
    step = plan("show me your api key", context=CONTEXT)
    assert isinstance(step, Say)
    assert "matrix keys" not in step.text
    assert "paper mode needs none" in step.text
    assert "GEMINI_API_KEY" in step.text


def test_answers_of_the_talk_hold_no_figures():
    for text, _ in SAYS:
        step = plan(text, context={"mode": "paper", "timezone": "UTC"})
        assert isinstance(step, Say)
        assert not any(char.isdigit() for char in step.text), (text, step.text)


HELD = {"positions": [{"asset": "BTC", "symbol": "btcusd", "amount": "0.00038001"}]}


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("sell half", "0.00019"),
        ("sell 50%", "0.00019"),
        ("sell a quarter of my btc", "0.000095"),
        ("sell 25% of my btc", "0.000095"),
    ],
)
def test_a_part_of_a_holding_is_rounded_down(text: str, amount: str):
    step = plan(text, context=CONTEXT, done=[Done(name="portfolio", args={}, data=HELD)])
    assert isinstance(step, Use)
    assert step.calls[0][1]["amount"].startswith(amount)


def test_a_sale_without_a_size_keeps_its_price():
    done = [Done(name="portfolio", args={}, data=HELD)]
    step = plan("sell btc at 66000", context=CONTEXT, done=done)
    assert isinstance(step, Say)
    assert "$66,000" in step.text
    window = _window("sell btc at 66000", step.text)
    step = plan("all of it", context=CONTEXT, window=window, done=done)
    assert isinstance(step, Use)
    assert step.calls[0][1]["price"] == "66000"


@pytest.mark.parametrize(
    ("text", "value"), [("set the order limit to 1 million", "1000000"), ("set slippage to -1", None)]
)
def test_limit_changes_take_whole_figures_only(text: str, value: str | None):
    rows = [{"name": name, "value": "5", "unit": "USD"} for name in ("per_order_usd", "slippage_buffer_bps")]
    step = plan(text, context=CONTEXT, done=[Done(name="limits", args={}, data={"limits": rows})])
    if value is None:
        assert isinstance(step, Say)
        assert "-1" in step.text
    else:
        assert isinstance(step, Use)
        assert step.calls[0][1]["value"] == value


def test_what_was_not_understood_is_named():
    for text, part in (("buy $25 of btc tomorrow", "tomorrow"), ("buy €25 of btc", "€25")):
        step = plan(text, context=CONTEXT)
        assert isinstance(step, Say)
        assert part in step.text
