"""Lives of the calls about funds, staking and clearing: what is true of each at the moment it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.strangers.fuzz_lives import DAY_MS, HOUR_MS, any_reader
from tests.strangers.fuzz_signing import Sender
from tests.strangers.fuzz_world import Life, World
from venues.paper.access.subaccounts import counterparty_id
from venues.paper.services.chains import CHAINS, play_address
from venues.paper.services.staking_terms import PROVIDER

SENDING = {"bitcoin": "btc", "ethereum": "ETH", "arbitrum": "eth", "base": "Eth"}
"""Networks with what the account has and can send over them."""

MAIN = {"btc": "bitcoin", "eth": "ethereum"}
"""The network that the first version of a call means."""


def balances(world: World) -> Life:
    """The balances of whom they are, to any of its keys."""
    return any_reader(world)


def notional_balances(world: World) -> Life:
    """Balances in a currency that has a rate."""
    return Life(path={"currency": world.pick("usd", "GUSD", "eur", "gbp", "sgd")})


def on_network(world: World) -> Life:
    """A path with a known network, or with the currency that stands for one."""
    return Life(path={"network": world.pick(*CHAINS, "btc", "eth")})


def addresses(world: World) -> Life:
    """The deposit addresses of a network, from a time on."""
    return Life(path=on_network(world).path, fields=world.some(timestamp=world.now_ms - HOUR_MS))


def new_address(world: World) -> Life:
    """One more deposit address."""
    return Life(path=on_network(world).path, fields=world.some(label=world.word()))


def _address(world: World, network: str) -> str:
    return play_address(CHAINS[network], world.word())


def approve_address(world: World) -> Life:
    """An address that is not listed yet."""
    chain = world.pick(*CHAINS)
    fields = {"address": _address(world, chain), "label": world.word(), **world.some(memo=world.word())}
    return Life(path={"network": chain}, fields=fields)


def remove_address(world: World) -> Life:
    """An address that is listed: one past its hold, then held ones."""
    if "removed" not in world.known:
        world.known["removed"] = True
        network, address = _approved(world)
        world.known.pop("approved")
        return Life(path={"network": network}, fields={"address": address})
    asked = approve_address(world)
    world.ask("approve_address", asked.fields, **asked.path)
    return Life(path=asked.path, fields={"address": asked.fields["address"]})


def _approved(world: World) -> tuple[str, str]:
    """Return a network and an address on it whose hold of seven days is over."""
    if "approved" not in world.known:
        network = world.pick(*SENDING)
        address = _address(world, network)
        world.ask("approve_address", {"address": address, "label": world.word()}, network=network)
        world.pass_time(7 * DAY_MS)
        world.known["approved"] = network, address
    found: tuple[str, str] = world.known["approved"]
    return found


def _withdrawal(world: World, address: str) -> dict[str, Any]:
    return {
        "address": address,
        "amount": world.amount("0.0001", 9),
        **world.some(memo=world.word(), clientTransferId=world.uuid()),
    }


def withdraw(world: World) -> Life:
    """A withdrawal to an approved address past its hold; one that is repeated now and then."""
    network, address = _approved(world)
    path = {"network": network, "ticker": SENDING[network]}
    fields = _withdrawal(world, address)
    if "clientTransferId" in fields and world.pick(True, False):
        world.ask("withdraw", fields, **path)
    return Life(path=path, fields=fields)


def withdraw_v1(world: World) -> Life:
    """A withdrawal to the address that the account may send to from the start."""
    currency, address = _first_wallet(world)
    return Life(path={"currency": currency}, fields=_withdrawal(world, address))


def _first_wallet(world: World) -> tuple[str, str]:
    currency = world.pick(*MAIN)
    listed = world.ask("approved_addresses", network=MAIN[currency])["approvedAddresses"]
    found = next(each["address"] for each in listed if each["status"] == "active")
    return world.pick(currency, currency.upper()), found


def fee_estimate(world: World) -> Life:
    """What a withdrawal to any address would cost."""
    network = world.pick(*SENDING)
    fields = {"address": _address(world, network), "amount": world.amount("0.1", 99)}
    return Life(path={"network": network, "ticker": SENDING[network]}, fields=fields)


def fee_estimate_v1(world: World) -> Life:
    """The same, over the currency's main network."""
    return Life(path={"currency": world.pick(*MAIN)}, fields=fee_estimate(world).fields)


def transfers(world: World) -> Life:
    """What came and went, some of it just now."""
    sent = withdraw_v1(world)
    world.ask("withdraw_v1", sent.fields, **sent.path)
    return Life(
        sender=Sender(label=world.pick("stranger", "auditor", "funds")),
        fields=world.some(
            currency=world.pick("BTC", "eth"),
            network=world.pick("bitcoin", "ethereum"),
            timestamp=world.pick(0, world.now_ms - HOUR_MS),
            limit_transfers=world.whole(1, 50),
        ),
    )


def custody_fees(world: World) -> Life:
    """What an account was charged for custody."""
    return Life(fields=world.some(timestamp=0, limit_transfers=world.whole(1, 50)))


def add_bank(world: World) -> Life:
    """A bank that is new, or is linked already."""
    number = str(world.pick(123_456_789, world.whole(10**8, 10**9)))
    return Life(fields={"accountnumber": number, "routing": "021000021", "name": world.word()})


def add_bank_cad(world: World) -> Life:
    """A bank beyond the border."""
    return Life(
        fields={
            "swiftcode": "ABCDCA22",
            "accountNumber": str(world.whole(10**6, 10**9)),
            "name": world.word(),
            **world.some(institutionnumber="001", branchnumber="00011"),
        }
    )


# Staking


def stake(world: World) -> Life:
    """A little of what can be staked and is there."""
    return Life(fields={"providerId": PROVIDER, "currency": "ETH", "amount": world.amount("0.001", 9)})


def unstake(world: World) -> Life:
    """No more than was staked."""
    staked = {**stake(world).fields, "amount": "0.01"}
    world.ask("stake", staked)
    return Life(fields={**staked, "amount": world.amount("0.001", 10)})


def _moment(world: World, ago_ms: int) -> Any:
    return world.pick(world.now_ms - ago_ms, str(world.now_ms - ago_ms), "2026-11-01T00:00:00.000Z")


def staking_history(world: World) -> Life:
    """Events of an account that stakes, for a day and more."""
    _earning(world)
    filtered = world.some(limit=world.whole(1, 500), providerId=PROVIDER, currency=world.pick("ETH", "sol"))
    times = world.some(since=_moment(world, 40 * DAY_MS), until=world.now_ms)
    return Life(fields={**filtered, **times})


def staking_rewards(world: World) -> Life:
    """What it earned."""
    _earning(world)
    fields = world.some(until=world.now_ms, providerId=PROVIDER, currency=world.pick("ETH", "SOL"))
    return Life(fields={"since": _moment(world, 40 * DAY_MS), **fields})


def staking_balances(world: World) -> Life:
    """What is staked."""
    _earning(world)
    return Life()


def _earning(world: World) -> None:
    if "earning" not in world.known:
        world.ask("stake", {**stake(world).fields, "amount": "1"})
        world.pass_time(DAY_MS)
        world.known["earning"] = True


# Clearing

OTHER = {"buy": "sell", "sell": "buy"}


def _terms(world: World) -> dict[str, Any]:
    return {
        "symbol": "btcusd",
        "side": world.pick("buy", "sell"),
        "amount": world.amount("0.00001", 9),
        "price": str(world.whole(40_000, 70_000)),
    }


def _party(world: World, name: str) -> str:
    found = counterparty_id(world.running.exchange.accounts[name])
    assert found is not None, "an exchange account has one"
    return found


def clearing_new(world: World) -> Life:
    """An offer to somebody, or to whoever learns of it."""
    named = world.some(counterparty_id=_party(world, "desk"), expires_in_hrs=world.pick(1, 0.5, 24))
    return Life(fields={**_terms(world), **named})


def broker_new(world: World) -> Life:
    """Two others brought together."""
    parties = {
        "source_counterparty_id": _party(world, "desk"),
        "target_counterparty_id": _party(world, "margin"),
    }
    return Life(fields={**_terms(world), **parties, "expires_in_hrs": world.whole(1, 168)})


def _offered(world: World, label: str = "desk") -> dict[str, Any]:
    """Let one account offer something to the stranger, or the stranger to the desk."""
    other = "stranger" if label == "desk" else "desk"
    terms = {**_terms(world), **world.some(counterparty_id=_party(world, other))}
    made = world.ask("clearing_new", terms, label=label)
    return {**terms, "clearing_id": made["clearing_id"]}


def clearing_confirm(world: World) -> Life:
    """An order that waits for this side, confirmed by who is asked."""
    if world.pick(True, False):
        offer = _offered(world)
        sender, side = "stranger", OTHER[offer["side"]]
    else:
        offer = {**broker_new(world).fields}
        offer["clearing_id"] = world.ask("broker_new", offer)["clearing_id"]
        sender = world.pick("desk", "margin")
        side = offer["side"] if sender == "desk" else OTHER[offer["side"]]
    repeated = {name: offer[name] for name in ("clearing_id", "symbol", "amount", "price")}
    return Life(sender=Sender(label=sender), fields={**repeated, "side": side})


def clearing_one(world: World) -> Life:
    """An order that the account has a part in, or has not."""
    offer = _offered(world, world.pick("stranger", "desk"))
    return Life(fields={"clearing_id": offer["clearing_id"]})


def clearing_list(world: World) -> Life:
    """The account's orders, filtered by what one of them is like."""
    offer = _offered(world, "stranger")
    between: dict[str, Any] = {}
    for name in ("expiration", "submission"):
        if world.pick(True, False):
            between |= {f"{name}_start": 0, f"{name}_end": world.now_ms + 9 * DAY_MS}
    return Life(fields={**between, **world.some(symbol=offer["symbol"], counterparty=_party(world, "desk"))})


def broker_list(world: World) -> Life:
    """What the account has brought together."""
    world.ask("broker_new", broker_new(world).fields)
    return clearing_list(world)


def clearing_trades(world: World) -> Life:
    """What was cleared, from a time on."""
    _offered(world)
    since = (world.now_ms - HOUR_MS) * 1_000_000
    return Life(fields=world.some(timestamp_nanos=since, limit_per_account=world.whole(1, 300)))


LIVES: Mapping[str, Callable[[World], Life]] = {
    "balances": balances,
    "notional_balances": notional_balances,
    "addresses": addresses,
    "new_address": new_address,
    "approved_addresses": on_network,
    "approve_address": approve_address,
    "remove_address": remove_address,
    "withdraw": withdraw,
    "withdraw_v1": withdraw_v1,
    "withdraw_fee": fee_estimate,
    "withdraw_fee_v1": fee_estimate_v1,
    "transfers": transfers,
    "transfers_v1": transfers,
    "custody_fees": custody_fees,
    "add_bank": add_bank,
    "add_bank_cad": add_bank_cad,
    "payment_methods": any_reader,
    "stake": stake,
    "unstake": unstake,
    "staking_history": staking_history,
    "staking_rewards": staking_rewards,
    "staking_balances": staking_balances,
    "clearing_new": clearing_new,
    "clearing_confirm": clearing_confirm,
    "clearing_cancel": clearing_one,
    "clearing_status": clearing_one,
    "clearing_list": clearing_list,
    "broker_new": broker_new,
    "broker_list": broker_list,
    "clearing_trades": clearing_trades,
}
"""By the name of the call."""
