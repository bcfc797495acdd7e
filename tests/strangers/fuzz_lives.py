"""Lives of the calls that read, trade and administer: what is true of each at the moment it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from tests.strangers.fuzz_signing import Sender
from tests.strangers.fuzz_world import Life, World
from venues.gemini.catalogue.kinds import PATH_PARTS
from venues.paper.calls.fx_api import LEVELS
from venues.paper.services.chains import CHAINS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

WIDTHS = PATH_PARTS["interval"].pattern.split("|")
FIRST_TICKS = {"btcusd": ("0.00001", "0.01"), "ethusd": ("0.001", "0.01")}
"""Smallest amount and price step of the markets that lives trade on."""


def nothing(_: World) -> Life:
    """A call that takes nothing, or nothing that could be wrong as drawn."""
    return Life()


def any_reader(world: World) -> Life:
    """A call that every role may make."""
    return Life(sender=Sender(label=world.pick("stranger", "auditor", "funds", "desk")))


def on_symbol(world: World) -> Life:
    """A path with a listed symbol."""
    return Life(path={"symbol": world.pick(*world.symbols())})


def on_perpetual(world: World) -> Life:
    """A path with a listed perpetual."""
    return Life(path={"symbol": world.pick(*world.symbols("perp"))})


def candles(world: World) -> Life:
    """Candles of a width that there is."""
    return Life(path={"symbol": world.pick(*world.symbols()), "interval": world.pick(*WIDTHS)})


def derivative_candles(world: World) -> Life:
    """Candles of a perpetual have one width."""
    return Life(path={"symbol": world.pick(*world.symbols("perp")), "interval": "1m"})


def book(world: World) -> Life:
    """A book with limits, 0 among them."""
    limits = world.some(limit_bids=world.whole(0, 80), limit_asks=world.whole(0, 80))
    return Life(path={"symbol": world.pick(*world.symbols())}, query=limits)


def trades(world: World) -> Life:
    """Trades from a moment on, or from a trade on, that there was."""
    symbol = world.pick("btcusd", "ethusd", "solusd")
    last = world.ask("trades", symbol=symbol)[-1]
    start = world.pick(
        {"timestamp": last["timestampms"]},
        {"since": last["timestamp"]},
        {"since_tid": last["tid"]},
        {"since_tid": 0},
    )
    return Life(path={"symbol": symbol}, query={**start, **world.some(limit_trades=world.whole(1, 500))})


def auction_history(world: World) -> Life:
    """Auctions of a listed symbol."""
    query = world.some(limit_auction_results=world.whole(1, 500), since=world.now_ms)
    return Life(path={"symbol": world.pick(*world.symbols())}, query=query)


def _report(world: World) -> dict[str, Any]:
    days = world.some(fromDate=f"2026-11-{world.whole(1, 19):02}", toDate="2026-11-20")
    return {**days, "numRows": world.whole(1, 24)}


def funding_report(world: World) -> Life:
    """A spreadsheet of a perpetual's funding."""
    return Life(query={"symbol": world.pick(*world.symbols("perp")), **_report(world)})


def payment_report(world: World) -> Life:
    """A report of payments, on days that there were."""
    return Life(query=_report(world))


def funding_payment(world: World) -> Life:
    """Payments between two moments in order."""
    return Life(query={"since": world.now_ms - world.whole(1, DAY_MS), "to": world.now_ms})


def fx_rate(world: World) -> Life:
    """A fixing of a known pair at a time that has passed, in seconds or milliseconds."""
    at_ms = world.now_ms - world.whole(0, 900 * DAY_MS)
    return Life(path={"pair": world.pick(*LEVELS), "timestamp": str(world.pick(at_ms, at_ms // 1000))})


def network(world: World) -> Life:
    """The networks of a currency that has one."""
    return Life(path={"token": world.pick("btc", "ETH", "Usdc", "SOL", "doge")})


def network_assets(world: World) -> Life:
    """What a known network carries."""
    return Life(path={"network": world.pick(*CHAINS)})


# Orders


def resting(world: World) -> dict[str, Any]:
    """Return an order that will rest: far away from the market."""
    symbol, side = world.pick(*FIRST_TICKS), world.pick("buy", "sell")
    least, tick = FIRST_TICKS[symbol]
    price = world.best(symbol, "bid") / 2 if side == "buy" else world.best(symbol, "ask") * 2
    return {
        "symbol": symbol,
        "side": side,
        "type": "exchange limit",
        "amount": world.amount(least, 3),
        "price": format(price.quantize(Decimal(tick)), "f"),
        **world.some(client_order_id=world.word()),
    }


def _crossing(world: World) -> dict[str, Any]:
    order = resting(world)
    price = world.best(order["symbol"], "ask" if order["side"] == "buy" else "bid")
    return {**order, "price": format(price, "f"), "options": ["immediate-or-cancel"]}


def _stop(world: World) -> dict[str, Any]:
    order = {**resting(world), "side": "buy", "type": "exchange stop limit"}
    ask = world.best(order["symbol"], "ask")
    far = (ask * Decimal("1.2")).quantize(Decimal("0.01"))
    return {**order, "stop_price": format(far, "f"), "price": format(far + 1, "f")}


def order_new(world: World) -> Life:
    """An order that the market takes: resting, crossing, with an option, or waiting for its trigger."""
    order = world.pick(resting, _crossing, _stop)(world)
    if order["type"] == "exchange limit" and "options" not in order:
        order |= world.some(options=[world.pick("maker-or-cancel", "fill-or-kill")])
    return Life(fields={"margin_order": False, **order})


def order_cancel(world: World) -> Life:
    """An order that is live, or was cancelled just now."""
    placed = world.ask("order_new", resting(world))
    if world.pick(True, False, False):
        world.ask("order_cancel", {"order_id": placed["order_id"]})
    return Life(fields={"order_id": world.pick(placed["order_id"], int(placed["order_id"]))})


def cancel_several(world: World) -> Life:
    """Some orders to cancel, or none."""
    for _ in range(world.whole(0, 2)):
        world.ask("order_new", resting(world))
    return Life()


def order_status(world: World) -> Life:
    """An order by its id, or by the id that its sender gave it, twice perhaps."""
    mine = world.word()
    for _ in range(world.whole(1, 2)):
        placed = world.ask("order_new", {**_crossing(world), "client_order_id": mine})
    by = world.pick({"order_id": placed["order_id"]}, {"client_order_id": mine})
    return Life(sender=Sender(label=world.pick("stranger", "auditor")), fields=by)


def orders(world: World) -> Life:
    """What is live, one order at least."""
    world.ask("order_new", resting(world))
    return Life()


def traded(limit: str) -> Callable[[World], Life]:
    """Return the life of a paged list of what was traded."""

    def life(world: World) -> Life:
        if not world.known.get("traded"):
            for _ in range(5):
                world.ask("order_new", _crossing(world))
        world.known["traded"] = True
        return Life(
            sender=Sender(label=world.pick("stranger", "auditor")),
            fields=world.some(
                symbol=world.pick("btcusd", "ETHUSD"),
                timestamp=world.pick(0, world.now_ms - HOUR_MS, world.now_ms // 1000),
                **{limit: world.whole(1, 500)},
            ),
        )

    return life


def notional_volume(world: World) -> Life:
    """Fees, of one symbol perhaps."""
    return Life(fields=world.some(symbol=world.pick(*world.symbols())))


def wrap(world: World) -> Life:
    """Dollars into the token, or what was turned into it before back."""
    side = world.pick("buy", "sell") if world.known.get("wrapped") else "buy"
    least, most = (100, 200) if side == "buy" else (1, 3)
    world.known["wrapped"] = True
    return Life(
        path={"symbol": "gusdusd"},
        fields={
            "side": side,
            "amount": f"{world.whole(least, most)}.{world.whole(10, 99)}",
            **world.some(client_order_id=world.word()),
        },
    )


def instant_quote(world: World) -> Life:
    """A purchase or sale of some dollars' worth."""
    symbol, side = world.pick("btcusd", "ethusd"), world.pick("buy", "sell")
    total = str(world.whole(10, 40)) if side == "buy" else {"btcusd": "0.0008", "ethusd": "0.02"}[symbol]
    return Life(
        fields={
            "symbol": symbol,
            "side": side,
            "totalSpend": total,
            "paymentMethodType": "AccountBalancePaymentType",
            **world.some(paymentMethodUuid=world.uuid()),
        }
    )


def instant_execute(world: World) -> Life:
    """A quote of a moment ago, repeated exactly."""
    quote = world.ask("instant_quote", instant_quote(world).fields)
    repeated = {name: quote[name] for name in ("side", "quantity", "price", "fee")}
    quote_id = world.pick(quote["quoteId"], str(quote["quoteId"]))
    return Life(fields={"quoteId": quote_id, "symbol": quote["pair"].lower(), **repeated})


# Margin


def margin(world: World) -> Life:
    """The margin of a perpetual."""
    return Life(fields={"symbol": world.pick(*world.symbols("perp"))})


def margin_preview(world: World) -> Life:
    """An order that the account could pay for."""
    side, kind = world.pick("buy", "sell"), world.pick("market", "limit")
    sized: dict[str, Any] = {"amount": world.amount("0.001", 9)}
    if kind == "limit":
        sized["price"] = str(world.whole(30_000, 90_000))
    elif side == "buy":
        sized = {"totalSpend": str(world.whole(10, 900))}
    return Life(fields={"symbol": "btcusd", "side": side, "type": kind, **sized})


# Accounts


def account_create(world: World) -> Life:
    """A name that is free."""
    return Life(fields={"name": world.word()})


def _subaccount(world: World) -> str:
    """Return an account of the group beside its main one."""
    if "subaccount" not in world.known:
        made = world.ask("account_create", {"name": world.word()})
        world.known["subaccount"] = made["account"]
    return str(world.known["subaccount"])


def account_rename(world: World) -> Life:
    """A free name for an account of the group, a new word to ask for it by, or both."""
    named = world.pick(
        {"newName": world.word()},
        {"newAccount": world.word()},
        {"newName": world.word(), "newAccount": world.word()},
    )
    group = world.running.exchange.accounts_of("stranger")
    return Life(sender=Sender(label="master", account=world.pick(*group).short_name), fields=named)


def account_list(world: World) -> Life:
    """The accounts made until some moment."""
    return Life(fields=world.some(limit_accounts=world.whole(1, 500), timestamp=world.now_ms))


def account_transfer(world: World) -> Life:
    """Money from the main account to another of its group; a repeated transfer now and then."""
    main = world.running.exchange.accounts["stranger"].short_name
    currency, step = world.pick(("usd", "0.01"), ("BTC", "0.00001"), ("eth", "0.001"))
    fields = {
        "sourceAccount": main,
        "targetAccount": _subaccount(world),
        "amount": world.amount(step, 9),
        **world.some(clientTransferId=world.uuid()),
    }
    if "clientTransferId" in fields and world.pick(True, False):
        world.ask("account_transfer", fields, currency=currency)
    return Life(path={"currency": currency}, fields=fields)


def transactions(world: World) -> Life:
    """The group's record, from a time or from where its last page ended."""
    account_transfer(world)
    page = world.ask("transactions", {"limit": world.whole(1, 300)})
    start = world.pick(
        {"continuation_token": page["continuationToken"]},
        {"timestamp_nanos": (world.now_ms - HOUR_MS) * 1_000_000},
        {},
    )
    return Life(fields={**start, "limit": world.whole(1, 300)})


def revoke_token(world: World) -> Life:
    """A token that was granted a moment ago."""
    return Life(sender=Sender(token=world.token()))


LIVES: Mapping[str, Callable[[World], Life]] = {
    **dict.fromkeys(
        (
            "symbols", "all_symbol_details", "price_feed", "fee_promos", "staking_rates", "heartbeat",
            "trade_volume", "margin_account", "margin_rates", "positions",
        ),
        nothing,
    ),
    **dict.fromkeys(("symbol_details", "pub_ticker", "ticker", "auction"), on_symbol),
    **dict.fromkeys(("funding_amount", "next_funding_timestamp", "risk_stats"), on_perpetual),
    **dict.fromkeys(("account", "roles"), any_reader),
    "candles": candles,
    "derivative_candles": derivative_candles,
    "book": book,
    "trades": trades,
    "auction_history": auction_history,
    "funding_amount_report": funding_report,
    "funding_payment_report": payment_report,
    "funding_payment_report_xlsx": payment_report,
    "funding_payment": funding_payment,
    "fx_rate": fx_rate,
    "network_v1": network,
    "network": network,
    "network_assets": network_assets,
    "order_new": order_new,
    "order_cancel": order_cancel,
    "cancel_all": cancel_several,
    "cancel_session": cancel_several,
    "order_status": order_status,
    "orders": orders,
    "order_history": traded("limit_orders"),
    "my_trades": traded("limit_trades"),
    "notional_volume": notional_volume,
    "wrap": wrap,
    "instant_quote": instant_quote,
    "instant_execute": instant_execute,
    "margin": margin,
    "margin_preview": margin_preview,
    "account_create": account_create,
    "account_rename": account_rename,
    "account_list": account_list,
    "account_transfer": account_transfer,
    "transactions": transactions,
    "revoke_token": revoke_token,
}  # fmt: skip
"""By the name of the call."""
