"""The path of an order over the real exchange: card, yes, fill, books, receipts."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from desk.cards import fields_of
from domain.errors import BadInputError, ConflictError, ExpiredError, NotFoundError
from guardrails import consent
from tests.stack import DeskStack, until


async def test_buy_approved_is_filled_with_fee_and_position(stack: DeskStack) -> None:
    done = await stack.buy("25")
    outcome, order = done["outcome"], done["order"]
    assert order["state"] == "filled"
    assert outcome["order_id"] == order["order_id"]
    fills = (await stack.client.read("/fills"))["fills"]
    mine = [f for f in fills if f["order_id"] == order["order_id"]]
    assert sum(Decimal(f["amount"]) for f in mine) == Decimal(order["amount"])
    gross = sum(Decimal(f["amount"]) * Decimal(f["price"]) for f in mine)
    assert sum(Decimal(f["fee"]) for f in mine) == gross * 40 / 10_000
    assert gross <= 25
    portfolio = await stack.client.read("/portfolio")
    (position,) = portfolio["positions"]
    assert Decimal(position["amount"]) == Decimal(order["amount"])


async def test_books_of_desk_and_exchange_agree_to_the_last_unit(stack: DeskStack) -> None:
    for usd in ("25", "40", "12.5"):
        await stack.buy(usd)
        await asyncio.sleep(1.05)
    balances = {b.currency.lower(): b for b in await stack.running._assembly.wire.rest.balances()}
    position = stack.desk.parts.ledger.position("btc")
    assert balances["btc"].amount == position.amount
    assert balances["usd"].amount == Decimal(10_000) - position.cost_usd


async def test_card_shows_exactly_the_signed_fields(stack: DeskStack) -> None:
    card = await stack.propose(side="buy", notional_usd="25", rationale="a test")
    fields = fields_of(card["card"])
    assert fields == card["card"]["wire"]
    again = consent.digest(
        fields, mode="paper", venue="paper", account="primary", expires_at=card["expires_at"]
    )
    assert again == card["digest"]


async def test_every_check_is_on_the_card_with_its_numbers(stack: DeskStack) -> None:
    card = await stack.propose(side="buy", notional_usd="25", rationale="a test")
    rules = {c["rule"]: c for c in card["verdict"]["checks"]}
    assert card["verdict"]["outcome"] == "needs_person"
    assert not rules["consent"]["ok"]
    assert all(c["ok"] for name, c in rules.items() if name != "consent")
    assert rules["per_order_usd"]["numbers"]


async def test_order_over_the_cap_is_refused_with_the_numbers(stack: DeskStack) -> None:
    card = await stack.propose(side="buy", notional_usd="1000000", rationale="greed")
    assert card["state"] == "refused"
    assert any("ORDER" in code for code in card["verdict"]["codes"])
    with pytest.raises(ConflictError):
        await stack.person.approve(card["id"], card["digest"])
    assert (await stack.client.read("/orders"))["orders"] == []


async def test_approving_twice_sends_once(stack: DeskStack) -> None:
    card = await stack.propose(side="buy", notional_usd="25", rationale="a test")
    answers = await asyncio.gather(
        *(stack.person.approve(card["id"], card["digest"]) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(a, dict) for a in answers) == 1
    assert sum(isinstance(a, ConflictError) for a in answers) == 4
    assert len((await stack.client.read("/orders"))["orders"]) == 1


async def test_wrong_digest_changes_nothing(stack: DeskStack) -> None:
    card = await stack.propose(side="buy", notional_usd="25", rationale="a test")
    with pytest.raises(ConflictError, match="digest"):
        await stack.person.approve(card["id"], "0" * 64)
    assert (await stack.client.read(f"/proposals/{card['id']}"))["state"] == "pending"


async def test_expired_card_cannot_be_approved(stack: DeskStack) -> None:
    card = await stack.propose(side="buy", notional_usd="25", rationale="a test")
    stack.desk.parts.proposals._deadlines[card["id"]] = 0.0
    with pytest.raises((ExpiredError, ConflictError)):
        await stack.person.approve(card["id"], card["digest"])
    await until(lambda: stack.desk.parts.proposals.get(card["id"]).state == "expired", "the card is expired")


async def test_edit_voids_the_old_card_and_makes_a_new_digest(stack: DeskStack) -> None:
    card = await stack.propose(side="buy", notional_usd="25", rationale="a test")
    new = await stack.person.edit(card["id"], amount="0.0002")
    assert new["card"]["wire"]["amount"] == "0.0002"
    assert new["digest"] != card["digest"]
    old = await stack.client.read(f"/proposals/{card['id']}")
    assert (old["state"], old["replaced_by"]) == ("voided", new["id"])
    with pytest.raises(ConflictError):
        await stack.person.approve(card["id"], card["digest"])
    done = await stack.person.approve(new["id"], new["digest"])
    assert done["order"]["amount"] == "0.0002"


@pytest.mark.parametrize("amount", ["NaN", "1e400", "٣", "-1", "0", "0.000000001", "1_000", " 5"])
async def test_bad_amount_in_an_edit_says_why_and_voids_nothing(stack: DeskStack, amount: str) -> None:
    card = await stack.propose(side="buy", notional_usd="25", rationale="a test")
    with pytest.raises(BadInputError) as caught:
        await stack.person.edit(card["id"], amount=amount)
    assert caught.value.cure
    assert (await stack.client.read(f"/proposals/{card['id']}"))["state"] == "pending"


async def test_amount_below_the_minimum_is_refused_and_says_the_minimum(stack: DeskStack) -> None:
    card = await stack.propose(side="buy", amount="0.000001", rationale="too small")
    assert card["state"] == "refused"
    (check,) = [c for c in card["verdict"]["checks"] if c["rule"] == "minimum"]
    assert not check["ok"]
    assert check["numbers"]["minimum"] == "0.00001"


async def test_off_tick_price_is_rounded_in_our_favour_and_the_card_says_so(stack: DeskStack) -> None:
    ask = stack.desk.parts.market.view("btcusd", 1).ask
    card = await stack.propose(side="buy", amount="0.0002", price=f"{ask - 100}9", rationale="between ticks")
    assert card["state"] == "pending", card["verdict"]["codes"]
    assert Decimal(card["card"]["wire"]["price"]) == ask - 100
    assert any("rounded" in text for text in card["card"]["warnings"])


async def test_resting_sell_clears_both_fees_and_can_be_cancelled(stack: DeskStack) -> None:
    await stack.buy("25")
    maths = await stack.client.read("/break-even", symbol="btcusd", side="sell", profit_usd="0.25")
    card = await stack.propose(
        side="sell",
        amount=maths["amount"],
        price=maths["target_price"],
        purpose="take_profit",
        rationale="profit of 25 cents",
    )
    assert card["state"] == "pending", card["verdict"]["codes"]
    done = await stack.person.approve(card["id"], card["digest"])
    assert done["outcome"]["state"] == "resting"
    cost = stack.desk.parts.ledger.position("btc").cost_usd
    gross = Decimal(maths["amount"]) * Decimal(maths["target_price"])
    assert gross - gross * 40 / 10_000 - cost >= Decimal("0.25")
    order_id = done["order"]["order_id"]
    answer = await stack.client.propose("/cancel", {"request_id": "c/1", "order_id": order_id})
    assert answer == {"cancelled": [order_id], "failed": []}
    await until(
        lambda: stack.desk.parts.ledger.find(venue_order_id=order_id).state.value == "cancelled",
        "the order is cancelled",
    )


async def test_take_profit_below_break_even_is_refused(stack: DeskStack) -> None:
    await stack.buy("25")
    view = stack.desk.parts.market.view("btcusd", 1)
    amount = stack.desk.parts.ledger.position("btc").amount
    card = await stack.propose(
        side="sell", amount=str(amount), price=str(view.ask), purpose="take_profit", rationale="too early"
    )
    assert card["state"] == "refused"


async def test_same_request_id_returns_the_stored_reply_and_refuses_another_body(stack: DeskStack) -> None:
    body = {"request_id": "one", "intent": {"symbol": "btcusd", "side": "buy", "notional_usd": "25"}}
    first = await stack.client.propose("/proposals", body)
    assert await stack.client.propose("/proposals", body) == first
    with pytest.raises(ConflictError):
        await stack.client.propose("/proposals", {**body, "intent": {**body["intent"], "notional_usd": "26"}})


async def test_unknown_symbol_lists_what_there_is(stack: DeskStack) -> None:
    with pytest.raises(BadInputError, match="btcusd"):
        await stack.propose(symbol="fakeusd", side="buy", notional_usd="25")


async def test_unknown_proposal_is_not_found(stack: DeskStack) -> None:
    with pytest.raises(NotFoundError):
        await stack.person.reject("P-00000000000000000000000000")


async def test_why_walks_from_the_fill_to_the_first_cause(stack: DeskStack) -> None:
    asked = await stack.client.propose(
        "/journal", {"request_id": "j/1", "kind": "chat.message", "payload_text": "buy $25 of btc"}
    )
    card = await stack.client.propose(
        "/proposals",
        {
            "request_id": "p/1",
            "cause": asked["record_id"],
            "intent": {"symbol": "btcusd", "side": "buy", "notional_usd": "25", "rationale": "asked for"},
        },
    )
    done = await stack.person.approve(card["id"], card["digest"])
    why = await stack.client.read("/explain", side="buy")
    assert why["found"]
    assert why["order"]["order_id"] == done["order"]["order_id"]
    kinds = [s["kind"] for s in why["steps"]]
    for kind in ("chat.message", "intent", "verdict", "consent", "order.sending", "fill"):
        assert kind in kinds
    assert kinds[0] == "chat.message"
    assert why["missing"] == []
    for step in why["steps"]:
        assert (await stack.client.read(f"/journal/records/{step['record_id']}"))["id"] == step["record_id"]


async def test_journal_verifies_and_has_the_sending_entry_before_the_reply(stack: DeskStack) -> None:
    done = await stack.buy("25")
    report = await stack.client.read("/journal/verify")
    assert report["ok"], report
    found = await stack.client.read("/journal/search", order_id=done["order"]["client_order_id"], limit=50)
    sequence = [r["kind"] for r in reversed(found["records"])]
    assert sequence.index("order.sending") < sequence.index("order.accepted") < sequence.index("fill")
    one = await stack.client.read("/journal/search", text=f" {found['records'][0]['id']} ")
    assert [r["id"] for r in one["records"]] == [found["records"][0]["id"]]
    lines = list((stack.home / "journal").rglob("*.jsonl"))
    assert lines
    assert lines[0].stat().st_mode & 0o777 == 0o600


@pytest.fixture(autouse=True)
def _no_secret_anywhere(home) -> None:
    yield
    import json

    account = home / "state" / "paper-account.json"
    if not account.exists():
        return
    secret = json.loads(account.read_text())["api_secret"].encode()
    for path in home.rglob("*"):
        if path.is_file() and path.name not in {
            "paper-account.json",
            "exchange.sqlite",
            "exchange.sqlite-wal",
        }:
            assert secret not in path.read_bytes(), path
