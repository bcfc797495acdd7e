"""Money neither appears nor vanishes by whatever moves it beside trading, over a restart included."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import httpx

from domain.clock import ManualClock
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.services.asking import Keys
from venues.paper.access.subaccounts import counterparty_id
from venues.paper.exchange import DAY_MS, Exchange
from venues.paper.server import running_exchange
from venues.paper.services.funds import add
from venues.paper.services.staking_terms import PROVIDER
from venues.paper.services.withdrawals import CONFIRMED_AFTER_MS

AMOUNTS = (
    *("0.000000000001", "0.0001", "0.01", "0.25", "0.999999999999", "1", "2.5", "9999.99", "999999999999"),
    *("0", "-1", "-0.01", "1e3", "NaN", "", "0.0000000000000000001", 7, 0.5, True, None),
)
MEMOS = ("a", "b")
CURRENCIES = ("btc", "usd", "eth", "xtz")
STEPS = 120


def total(exchange: Exchange) -> dict[str, Decimal]:
    """Return what there is of each currency: in accounts, staked less what it earned, and sent away."""
    found: Counter[str] = Counter()
    for account in exchange.accounts.values():
        for currency, funds in account.funds.items():
            assert 0 <= funds.held <= funds.amount, (account.name, currency)
            found[currency] += funds.amount
    for body in exchange.documents.of("stake"):
        found[body["currency"]] += Decimal(body["balance"])
    for event in exchange.documents.of("staking_event"):
        if event["transactionType"] == "Interest":
            found[event["amountCurrency"]] -= Decimal(event["amount"])
    for body in exchange.documents.of("transfer"):
        if body.get("method") != "Internal" and body["status"] == "Complete":
            sign = 1 if body["type"] == "Withdrawal" else -1
            found[body["currency"]] += sign * (Decimal(body["amount"]) + Decimal(body.get("feeAmount", "0")))
    return {currency: amount for currency, amount in sorted(found.items()) if amount}


def standing(exchange: Exchange) -> Mapping[str, Any]:
    """Return every balance and every hold, without empty ones."""
    return {
        name: {c: (f.amount, f.held) for c, f in sorted(account.funds.items()) if f.amount or f.held}
        for name, account in exchange.accounts.items()
    }


class Mover:
    """Somebody who moves money at random, well and badly."""

    def __init__(self, keys: Keys, dice: Random) -> None:
        self.keys, self.dice = keys, dice
        self.clearing: list[dict[str, Any]] = []
        self.answered: Counter[int] = Counter()

    async def act(self) -> None:
        await self.dice.choice((self.transfer, self.withdraw, self.stake, self.clear, self.confirm))()

    async def _send(self, label: str, path: str, **fields: Any) -> dict[str, Any]:
        answer = await self.keys[label].try_post(path, **fields)
        assert answer.status_code in {200, 400, 404, 406}, answer.text
        self.answered[answer.status_code] += 1
        return dict(answer.json()) if answer.status_code == 200 else {}

    def _id(self) -> dict[str, str]:
        """Return one of few client ids, now and then, so that other bodies come with it."""
        number = self.dice.randrange(12)
        return {"clientTransferId": str(UUID(int=number))} if number < 6 else {}

    async def transfer(self) -> None:
        names = ["primary", "second", "vault"]
        fields = {
            "sourceAccount": self.dice.choice(names),
            "targetAccount": self.dice.choice(names),
            "amount": self.dice.choice(AMOUNTS),
            **self._id(),
        }
        await self._send("master", f"/v1/account/transfer/{self.dice.choice(CURRENCIES)}", **fields)

    async def withdraw(self) -> None:
        (inside,) = await self.keys["margin"].post("/v1/addresses/bitcoin")
        fields = {
            "address": self.dice.choice((self.keys.wallet("bitcoin"), inside["address"])),
            "amount": self.dice.choice(AMOUNTS),
            "memo": self.dice.choice(MEMOS),
            **self._id(),
        }
        await self._send("funds", "/v2/withdraw/bitcoin/btc", **fields)

    async def stake(self) -> None:
        way = self.dice.choice(("stake", "unstake"))
        fields = {"providerId": PROVIDER, "currency": "ETH", "amount": self.dice.choice(AMOUNTS)}
        await self._send("stranger", f"/v1/staking/{way}", **fields)

    async def clear(self) -> None:
        terms = {"symbol": "btcusd", "price": "50000.00", "side": self.dice.choice(("buy", "sell"))}
        amount = self.dice.choice(("0.01", "0.1", "5", *AMOUNTS))
        label = self.dice.choice(("stranger", "desk"))
        ends = {
            f"{end}_counterparty_id": counterparty_id(self.keys.account(name))
            for end, name in (("source", "desk"), ("target", "margin"))
        }
        path, more = self.dice.choice((("new", {}), ("broker/new", {**ends, "expires_in_hrs": 1})))
        made = await self._send(label, f"/v1/clearing/{path}", **terms, amount=amount, **more)
        if made:
            self.clearing.append({**terms, "amount": amount, "clearing_id": made["clearing_id"]})

    async def confirm(self) -> None:
        if self.clearing:
            order = self.dice.choice(self.clearing)
            side = self.dice.choice(("buy", "sell"))
            label = self.dice.choice(("stranger", "desk", "margin"))
            await self._send(label, "/v1/clearing/confirm", **{**order, "side": side})


async def test_total_of_each_currency_stands_still(home: Path, http: httpx.AsyncClient) -> None:
    clock = ManualClock(MORNING)
    async with running_exchange(home=home, seed=11, clock=clock) as running:
        exchange, keys = running.exchange, Keys(running, http)
        for name, kind in (("Second", "exchange"), ("Vault", "custody")):
            await keys["master"].post("/v1/account/create", name=name, type=kind)
        before = total(exchange)
        mover = Mover(keys, Random(5))
        for step in range(STEPS):
            await mover.act()
            assert total(exchange) == before
            if step % 20 == 0:
                keys.pass_time(CONFIRMED_AFTER_MS // 2)
            if step == STEPS // 2:
                keys.pass_time(DAY_MS)
        assert min(mover.answered[status] for status in (200, 400, 404, 406)) > 3, mover.answered
        assert exchange.documents.of("staking_event")
        with exchange.operation():  # whatever is left, one withdrawal is to be under way when it closes
            add(exchange, keys.account("stranger"), "BTC", Decimal(1))
        before["BTC"] += 1
        send = {"address": keys.wallet("bitcoin"), "amount": "0.5"}
        await keys["funds"].post("/v2/withdraw/bitcoin/btc", **send)
        left = standing(exchange)
        assert any(held for account in left.values() for _, held in account.values())
    async with running_exchange(home=home, seed=11, clock=clock) as running:
        assert standing(running.exchange) == left
        assert total(running.exchange) == before
        Keys(running, http).pass_time(CONFIRMED_AFTER_MS)
        await Keys(running, http)["stranger"].post("/v1/balances")
        assert total(running.exchange) == before


async def test_what_is_there_once_is_given_once_however_many_ask_together(
    home: Path, http: httpx.AsyncClient
) -> None:
    async with running_exchange(home=home, seed=11, clock=ManualClock(MORNING)) as running:
        keys = Keys(running, http)
        await keys["master"].post("/v1/account/create", name="Second")
        before = total(running.exchange)
        send = {"address": keys.wallet("bitcoin"), "amount": "0.6"}
        move = {"sourceAccount": "primary", "targetAccount": "second", "amount": "0.6"}
        sell = {"symbol": "btcusd", "side": "sell", "amount": "0.6", "price": "99000.00"}
        order = {**sell, "type": "exchange limit"}
        # A client each, as one key's nonces must not overtake each other.
        answers = await asyncio.gather(
            keys["funds"].try_post("/v2/withdraw/bitcoin/btc", **send),
            keys["master"].try_post("/v1/account/transfer/btc", **move),
            keys["stranger"].try_post("/v1/order/new", **order),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 406, 406]
        assert total(running.exchange) == before
