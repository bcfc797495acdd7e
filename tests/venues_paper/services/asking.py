"""Asking the exchange as any of its keys, and reading answers exactly."""

import json
from decimal import Decimal
from typing import Any

import httpx

from tests.venues_paper.signed import Client, signed_headers
from venues.gemini.catalogue import TABLE, Auth
from venues.gemini.catalogue.fitting import misfits
from venues.gemini.catalogue.shapes import SHAPES
from venues.paper.exchange import DAY_MS
from venues.paper.matching.ledger import Account, Funds
from venues.paper.server import RunningExchange
from venues.paper.services import margin_accounts
from venues.paper.services.approved_addresses import WALLET_LABEL, open_wallet
from venues.paper.services.chains import CHAINS, play_address
from venues.paper.state.keys import ApiKey

HOUR_MS = DAY_MS // 24
FIRST_FUNDS = {
    "desk": {"USD": 10_000},
    "stranger": {"USD": 10_000, "BTC": 1, "ETH": 10},
    "margin": {"USD": 10_000, "GUSD": 10_000, "BTC": 1},
}


class Keys:
    """A client for each key of one set of accounts; `suffix` is what their names end in."""

    def __init__(self, running: RunningExchange, http: httpx.AsyncClient, suffix: str = "") -> None:
        self.running, self.http, self.suffix = running, http, suffix

    def __getitem__(self, label: str) -> Client:
        key = self.running.key(label + self.suffix)
        return Client(self.running.url, key.api_key, key.api_secret, self.http)

    def account(self, name: str) -> Account:
        """Return one of the accounts: desk, stranger or margin."""
        return self.running.exchange.accounts[name + self.suffix]

    def wallet(self, network: str) -> str:
        """Return the address on a network that the stranger may withdraw to from the start."""
        return play_address(CHAINS[network], self.account("stranger").name, WALLET_LABEL)

    def documents(self, kind: str, name: str = "stranger") -> list[dict[str, Any]]:
        """Return what an account has of one kind of documents."""
        return self.running.exchange.documents.of(kind, self.account(name).name)

    @property
    def now_ms(self) -> int:
        """Return the exchange's time."""
        return self.running.exchange.timeline.now_ms()

    async def ask(
        self, label: str, name: str, fields: dict[str, Any], query: dict[str, Any], **parts: str
    ) -> httpx.Response:
        """Send one call of the catalogue as the key `label`."""
        row = TABLE[name]
        path = row.at(**parts)
        headers = {}
        if row.auth is Auth.SIGNED:
            client = self[label]
            headers = signed_headers(client.key, client.secret, path, fields)
        return await self.http.request(row.method, self.running.url + path, params=query, headers=headers)

    def pass_time(self, ms: int) -> None:
        """Let the exchange's clock run ahead."""
        self.running.exchange.timeline.advance(ms)


def decoded(answer: httpx.Response) -> Any:
    """Return the answer's JSON without a float in it."""
    return json.loads(answer.text, parse_float=Decimal)


def unfit(name: str, answer: httpx.Response) -> list[str]:
    """Return how an answer differs from what the catalogue says of it."""
    row = TABLE[name]
    value = answer.content if row.path.endswith(".xlsx") else decoded(answer)
    return misfits(row.answer, value, SHAPES)


def fresh_keys(running: RunningExchange, http: httpx.AsyncClient, number: int) -> Keys:
    """Open accounts and keys beside those that every exchange has, alike in everything."""
    exchange, suffix = running.exchange, f"-{number}"
    with exchange.operation():
        for name, funds in FIRST_FUNDS.items():
            account = Account(name=name + suffix, group=name + suffix, created_ms=exchange.timeline.now_ms())
            account.funds = {currency: Funds(amount=Decimal(amount)) for currency, amount in funds.items()}
            exchange.keep_account(account)
        open_wallet(exchange, exchange.accounts[f"stranger{suffix}"])
        margin_accounts.enable(exchange, exchange.accounts[f"margin{suffix}"])
        for label in ("desk", "stranger", "margin", "auditor", "funds", "master"):
            model = next(key for key in exchange.keys.values() if key.label == label)
            exchange.add_key(
                ApiKey(
                    api_key=model.api_key + suffix,
                    secret=model.secret,
                    label=label + suffix,
                    group=model.group + suffix,
                    account=None if model.account is None else exchange.accounts[model.account.name + suffix],
                    roles=model.roles,
                )
            )
    return Keys(running, http, suffix)


async def available(client: Client, currency: str) -> tuple[Decimal, Decimal]:
    """Return amount and available of one balance."""
    for row in await client.post("/v1/balances"):
        if row["currency"] == currency:
            return Decimal(row["amount"]), Decimal(row["available"])
    return Decimal(0), Decimal(0)
