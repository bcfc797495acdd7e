"""Staking: balances move between the exchange and one provider, and earn by the exchange's clock.

Our rules: interest of a day is paid at midnight UTC on what is staked then, at a simple daily rate, and is
staked with the rest; what is given back is available at once. Interest is written down when somebody looks,
with the price of that moment.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import Any

from domain.money import ZERO, to_wire
from venues.paper.call import Call
from venues.paper.exchange import DAY_MS, Exchange
from venues.paper.matching.ledger import Account
from venues.paper.matching.refusals import RefusedError, invalid_parameter
from venues.paper.services import funds
from venues.paper.services.fields import checked, positive, within
from venues.paper.services.staking_terms import (
    DEPOSIT_LIMIT_USD,
    PROVIDER,
    RATES_BPS,
    apy_pct,
    daily_rate,
    iso,
    number,
    rate_pct,
    staking_rates,
)

_STAKE = "stake"
_EVENT = "staking_event"
_PLACES = Decimal("1e-19")
_MONTH_MS = 30 * DAY_MS


def stake(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/staking/stake`."""
    given = checked("stake", call)
    currency, account, amount = _terms(given), funds.trading_account(call.owner), positive(given["amount"])
    body = _accrued(exchange, account, currency)
    funds.require(account, currency, amount)
    _check_limit(exchange, account, currency, amount)
    funds.add(exchange, account, currency, -amount)
    _set_balance(exchange, account, body, Decimal(body["balance"]) + amount)
    event = _record(exchange, account, currency, "Deposit", amount, exchange.timeline.now_ms())
    return {
        "transactionId": event["transactionId"],
        "providerId": PROVIDER,
        "currency": currency,
        "amount": number(amount),
        "rates": {"rate": number(RATES_BPS[currency])},
    }


def unstake(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/staking/unstake`."""
    given = checked("unstake", call)
    currency, account, amount = _terms(given), funds.trading_account(call.owner), positive(given["amount"])
    body = _accrued(exchange, account, currency)
    staked = Decimal(body["balance"])
    if amount > staked:
        raise RefusedError(
            "InsufficientFunds", f"Insufficient funds: {to_wire(staked)} {currency} is staked", 406
        )
    funds.add(exchange, account, currency, amount)
    _set_balance(exchange, account, body, staked - amount)
    now_ms = exchange.timeline.now_ms()
    event = _record(exchange, account, currency, "Redeem", amount, now_ms)
    _record(exchange, account, currency, "RedeemPayment", amount, now_ms)
    return {
        "transactionId": event["transactionId"],
        "providerId": PROVIDER,
        "currency": currency,
        "amount": number(amount),
        "amountPaidSoFar": number(amount),
        "amountRemaining": number(ZERO),
        "requestInitiated": iso(now_ms),
    }


def staking_balances(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/balances/staking`."""
    _accrue_all(exchange, call.owner)
    return [
        {
            "type": "Staking",
            "currency": body["currency"],
            "balance": number(balance),
            "available": number(ZERO),
            "availableForWithdrawal": number(balance),
            "balanceByProvider": {PROVIDER: {"balance": number(balance)}},
        }
        for body in exchange.documents.of(_STAKE, call.owner.name)
        if (balance := Decimal(body["balance"]))
    ]


def staking_history(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/staking/history`: the newest events, or the oldest when sorted upwards."""
    given = checked("staking_history", call)
    limit = within(given, "limit", 50, 500)
    found = _events(exchange, call.owner, given)
    if given.get("interestOnly"):
        found = [event for event in found if event["transactionType"] == "Interest"]
    found = found[:limit] if given.get("sortAsc") else found[::-1][:limit]
    return (
        [{"providerId": PROVIDER, "transactions": [_transaction(event) for event in found]}] if found else []
    )


def staking_rewards(exchange: Exchange, call: Call) -> dict[str, dict[str, Any]]:
    """Answer `/v1/staking/rewards`: what each currency earned, by provider."""
    given = checked("staking_rewards", call)
    found: dict[str, Any] = {}
    for event in _events(exchange, call.owner, given):
        if event["transactionType"] == "Interest":
            found.setdefault(event["amountCurrency"], []).append(event)
    shown = {currency: _rewards(currency, events) for currency, events in sorted(found.items())}
    return {PROVIDER: shown} if shown else {}


def _rewards(currency: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    total = number(sum((Decimal(event["amount"]) for event in events), ZERO))
    head = {"providerId": PROVIDER, "currency": currency}
    period = {
        **head,
        "apyPct": apy_pct(currency),
        "ratePct": rate_pct(currency),
        "numberOfAccruals": len(events),
        "accrualTotal": total,
        "firstAccrualAt": iso(events[0]["dateTime"]),
        "lastAccrualAt": iso(events[-1]["dateTime"]),
    }
    return {**head, "accrualTotal": total, "ratePeriods": [period]}


def _terms(given: dict[str, Any]) -> str:
    """Return the currency of a request; refuse one that is not staked, and a provider that is not there."""
    _check_provider(given)
    currency = str(given["currency"])
    if currency not in RATES_BPS:
        raise invalid_parameter(f"{currency} cannot be staked; {', '.join(RATES_BPS)} can")
    return currency


def _check_provider(given: dict[str, Any]) -> None:
    if given.get("providerId", PROVIDER) != PROVIDER:
        raise invalid_parameter(f"providerId is not known; the only provider is {PROVIDER}")


def _check_limit(exchange: Exchange, account: Account, currency: str, amount: Decimal) -> None:
    since = exchange.timeline.now_ms() - _MONTH_MS
    staked = sum(
        (
            Decimal(event["amount"])
            for event in exchange.documents.of(_EVENT, account.name)
            if event["transactionType"] == "Deposit"
            and event["amountCurrency"] == currency
            and event["dateTime"] > since
        ),
        amount,
    )
    if staked * exchange.engine.usd_rate(currency) > DEPOSIT_LIMIT_USD:
        raise RefusedError(
            "AccountLimitExceeded", f"At most {DEPOSIT_LIMIT_USD} USD of {currency} may be staked in 30 days"
        )


def _accrue_all(exchange: Exchange, account: Account) -> None:
    for body in exchange.documents.of(_STAKE, account.name):
        _accrued(exchange, account, body["currency"])


def _accrued(exchange: Exchange, account: Account, currency: str) -> dict[str, Any]:
    """Return what is staked, with the interest of every midnight that has passed."""
    today = exchange.timeline.now_ms() // DAY_MS
    body = exchange.documents.get(_STAKE, f"{account.name}|{currency}")
    if body is None:
        return {"currency": currency, "balance": "0", "day": today}
    balance = Decimal(body["balance"])
    for day in range(int(body["day"]) + 1, today + 1):
        interest = (balance * daily_rate(currency)).quantize(_PLACES, rounding=ROUND_FLOOR)
        if interest:
            balance += interest
            _record(exchange, account, currency, "Interest", interest, day * DAY_MS)
    if body["day"] != today:
        body["day"] = today
        _set_balance(exchange, account, body, balance)
    return body


def _set_balance(exchange: Exchange, account: Account, body: dict[str, Any], balance: Decimal) -> None:
    body["balance"] = to_wire(balance)
    exchange.documents.put(_STAKE, f"{account.name}|{body['currency']}", account.name, body)


def _record(  # noqa: PLR0917 - one event
    exchange: Exchange, account: Account, currency: str, kind: str, amount: Decimal, at_ms: int
) -> dict[str, Any]:
    event = {
        "transactionId": f"{exchange.chance.getrandbits(40):08X}"[-8:],
        "transactionType": kind,
        "amountCurrency": currency,
        "amount": to_wire(amount),
        "dateTime": at_ms,
        "providerId": PROVIDER,
    }
    if kind == "Interest":
        event |= {"priceCurrency": "USD", "priceAmount": to_wire(exchange.engine.usd_rate(currency))}
    exchange.documents.put(_EVENT, str(exchange.engine.new_id()), account.name, event)
    return event


def _events(exchange: Exchange, account: Account, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events that a request asks for, oldest first."""
    _check_provider(given)
    _accrue_all(exchange, account)
    since, until = given.get("since", 0), given.get("until", exchange.timeline.now_ms())
    currency = given.get("currency")
    found = [
        event
        for event in exchange.documents.of(_EVENT, account.name)
        if since <= event["dateTime"] <= until and currency in {None, event["amountCurrency"]}
    ]
    return sorted(found, key=lambda event: int(event["dateTime"]))


def _transaction(event: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in event.items() if name != "providerId"}
    for name in {"amount", "priceAmount"} & shown.keys():
        shown[name] = Decimal(shown[name])
    return shown


HANDLERS = {
    "stake": stake,
    "unstake": unstake,
    "staking_balances": staking_balances,
    "staking_history": staking_history,
    "staking_rewards": staking_rewards,
    "staking_rates": staking_rates,
}
