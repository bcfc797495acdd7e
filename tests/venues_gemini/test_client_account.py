"""The account's reads and the perpetuals': what is asked, and what the documented answers become."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import BadInputError, LockedError, VenueRejectedError, VenueRetryableError
from tests.venues_gemini.connected import ORDER_ID, on
from tests.venues_gemini.fault_server import GARBAGE, Act, error, ok, running
from tests.venues_gemini.samples import SECRET, order_json
from tests.venues_gemini.trade_server import trade
from venues.gemini.catalogue import TABLE, Money
from venues.gemini.parsing.parse_orders import ok as done
from venues.gemini.session.nonce import NonceSource
from venues.gemini.signing import Credentials, SignedOrder, sign

D = Decimal
MASTER = Credentials("master-TESTKEY0123456789", SECRET)


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


DAY = {
    "symbol": "btcusd",
    "base_currency": "BTC",
    "notional_currency": "USD",
    "data_date": "2026-11-19",
    "total_volume_base": 8.06021756,
    "maker_buy_sell_ratio": 1,
    "buy_maker_base": 6.06021756,
    "buy_maker_notional": 23461.3515203844,
    "buy_maker_count": 34,
    "sell_taker_base": "2.0",
    "sell_taker_notional": "120000.5",
    "sell_taker_count": 1,
}
TRANSFER = {
    "type": "Withdrawal",
    "status": "Complete",
    "timestampms": 1507913541275,
    "eid": 320013281,
    "currency": "USD",
    "amount": "36.00",
    "feeAmount": "1.5",
    "feeCurrency": "USD",
    "txHash": "c458b86955b80db0718cfcadbff3df3734a906367982c6eb191e61117b810bbb",
    "destination": "mqjvCtt4TJfQaC7nUgLMvHwuDPXMTEUGqx",
}
MEMBER = {
    "name": "Primary",
    "account": "primary",
    "type": "exchange",
    "counterparty_id": None,
    "created": 1495127793000,
    "status": "open",
}


async def test_account_reads_documented_answers_read() -> None:
    paths = {
        "/v1/notionalbalances/usd": ok(
            [
                {
                    "currency": "BTC",
                    "amount": "154.434",
                    "amountNotional": "14481.44",
                    "available": "151.45",
                    "availableNotional": "14202.12",
                    "availableForWithdrawal": "151.45",
                    "availableForWithdrawalNotional": "14202.12",
                }
            ]
        ),
        "/v1/tradevolume": ok([[DAY], [{**DAY, "symbol": "ETHUSD", "data_date": "2026-11-18"}]]),
        "/v2/transfers": ok([TRANSFER, {**TRANSFER, "timestampms": 1, "type": "Deposit", "eid": 7}]),
        "/v1/account": ok(
            {
                "account": {
                    "accountName": "Primary",
                    "shortName": "primary",
                    "type": "exchange",
                    "created": "1498245007981",
                },
                "users": [{"name": "Satoshi", "lastSignIn": "2020-07-21T13:37:39.453Z", "isVerified": True}],
                "memo_reference_code": "GEMPJBRDZ",
            }
        ),
        "/v2/fxrate/EURUSD/1594651859000": ok(
            {
                "fxPair": "EURUSD",
                "rate": "0.69",
                "asOf": 1594651859000,
                "provider": "bcb",
                "benchmark": "Spot",
            }
        ),
    }
    async with running(by_path=paths) as server, on(server) as (client, _):
        (worth,) = await client.notional_balances()
        assert (worth.currency, worth.amount_notional) == ("btc", D("14481.44"))
        assert (worth.available, worth.for_withdrawal) == (D("151.45"), D("151.45"))
        assert (worth.available_notional, worth.notional_currency) == (D("14202.12"), "usd")
        older, newer = await client.trade_volume()
        assert (older.symbol, older.day, newer.symbol) == ("ethusd", date(2026, 11, 18), "btcusd")
        assert (newer.total_base, newer.bought_making.count) == (D("8.06021756"), 34)
        assert newer.sold_taking.notional == D("120000.5")
        assert newer.bought_taking.base == newer.sold_making.base == 0
        deposit, withdrawal = await client.transfers("usd", since_ms=5, limit=20)
        assert (deposit.kind, deposit.transfer_id, withdrawal.fee) == ("Deposit", "7", D("1.5"))
        assert (withdrawal.transaction_hash, withdrawal.network) == (TRANSFER["txHash"], None)
        assert (withdrawal.currency, withdrawal.at) == ("usd", at(1507913541275))
        account = await client.account()
        assert (account.short_name, account.users, account.created) == (
            "primary",
            ("Satoshi",),
            at(1498245007981),
        )
        fixing = await client.fx_rate("eurusd", at(1594651859000))
        assert (fixing.rate, fixing.at, fixing.provider) == (D("0.69"), at(1594651859000), "bcb")
        sent = {r.target: r for r in server.requests}
    assert sent["/v2/transfers"].payload | {"nonce": 0} == {
        "request": "/v2/transfers",
        "limit_transfers": 20,
        "currency": "usd",
        "timestamp": 5,
        "nonce": 0,
    }
    assert sent["/v2/fxrate/EURUSD/1594651859000"].method == "GET"
    assert sent["/v2/fxrate/EURUSD/1594651859000"].payload["request"] == "/v2/fxrate/EURUSD/1594651859000"


@pytest.mark.parametrize("nothing", [[], [[]], [None], None])
async def test_trade_volume_nothing_traded_in_any_spelling_is_empty(nothing: Any) -> None:
    async with running(always=ok(nothing)) as server, on(server) as (client, _):
        assert await client.trade_volume() == []


async def test_order_history_orders_with_their_fills_oldest_first() -> None:
    fill = {k: v for k, v in trade(5, 1_700_000_000_500).items() if k != "symbol"}
    closed = order_json(is_live=False, executed_amount="0.001", remaining_amount="0", trades=[fill])
    older = order_json(order_id="7", is_live=False, is_cancelled=True, timestampms=1_600_000_000_000)
    async with running(always=ok([closed, older])) as server, on(server) as (client, _):
        first, second = await client.order_history("btcusd", since_ms=0, limit=3)
        assert server.requests[0].payload["limit_orders"] == 3
    assert (first.order.venue_order_id, first.fills) == ("7", ())
    assert (second.order.venue_order_id, second.fills[0].symbol) == (ORDER_ID, "btcusd")


async def test_public_reads_of_one_symbol_and_of_perpetuals() -> None:
    ticker = {
        "bid": "9345.70",
        "ask": "9347.67",
        "last": "9346.20",
        "volume": {"BTC": "2210.50", "USD": "2135477.463379586263", "timestamp": 1483018200000},
    }
    funding = {
        "symbol": "btcgusdperp",
        "fundingDateTime": "2026-08-01T00:00:00.000Z",
        "fundingTimestampMilliSecs": 1785542400000,
        "nextFundingTimestamp": 1785546000000,
        "fundingAmount": 0.51692,
        "estimatedFundingAmount": -1e-7,
    }
    risk = {
        "product_type": "PerpetualSwapContract",
        "mark_price": "30080.00",
        "index_price": "30079.046",
        "open_interest": "14.439",
        "open_interest_notional": "434325.12",
    }
    paths = {
        "/v1/pubticker/btcusd": ok(ticker),
        "/v1/pubticker/ethbtc": ok({"bid": None, "volume": {"ETH": "1", "BTC": "2"}}),
        "/v1/fundingamount/btcgusdperp": ok(funding),
        "/v1/nextfundingtimestamp/btcgusdperp": ok(1785546000000),
        "/v1/riskstats/btcgusdperp": ok(risk),
        "/v1/fundingamount/btcusd": Act(status=404, body=b""),
    }
    async with running(by_path=paths) as server, on(server, credentials=None) as (client, _):
        found = await client.pub_ticker("btcusd")
        assert (found.base_volume, found.quote_volume) == (D("2210.50"), D("2135477.463379586263"))
        assert (found.last, found.at) == (D("9346.20"), at(1483018200000))
        bare = await client.pub_ticker("ethbtc")
        assert (bare.bid, bare.at, bare.base_volume, bare.quote_volume) == (None, None, D(1), D(2))
        paid = await client.funding_amount("btcgusdperp")
        assert (paid.amount, paid.estimate) == (D("0.51692"), D("-1E-7"))
        assert paid.next_at == await client.next_funding("btcgusdperp") == at(1785546000000)
        stats = await client.risk_stats("btcgusdperp")
        assert (stats.mark_price, stats.open_interest) == (D("30080.00"), D("14.439"))


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.trade_volume(),
        lambda c: c.transfers(),
        lambda c: c.account(),
        lambda c: c.order_history(),
        lambda c: c.notional_balances(),
        lambda c: c.risk_stats("btcgusdperp"),
        lambda c: c.next_funding("btcgusdperp"),
        lambda c: c.pub_ticker("btcusd"),
    ],
)
@pytest.mark.parametrize("act", [GARBAGE, ok([7]), ok({"amount": "NaN"}), ok([[{"symbol": "x"}]])])
async def test_reads_answer_of_another_shape_is_trouble_not_a_crash(ask: Any, act: Act) -> None:
    async with running(always=act) as server, on(server) as (client, _):
        if act.body == b'{"amount": "NaN"}' and "pub_ticker" in ask.__code__.co_names:
            return  # every field of a ticker may be missing
        with pytest.raises(VenueRetryableError):
            await ask(client)


@pytest.mark.parametrize("limit", [0, -1, 51])
async def test_limits_out_of_range_refused_before_anything_is_sent(limit: int) -> None:
    async with running() as server, on(server) as (client, _):
        with pytest.raises(BadInputError):
            await client.transfers(limit=limit)
        for ask in (client.order_history, client.account_list, client.my_trades):
            with pytest.raises(BadInputError):
                await ask(limit=limit if limit < 1 else 501)
        assert not server.requests


async def test_master_key_names_the_account_where_one_is_meant() -> None:
    paths = {
        "/v1/balances": ok([]),
        "/v1/roles": ok({"isAuditor": False, "isFundManager": False, "isTrader": True}),
        "/v1/account/list": ok([MEMBER]),
        "/v1/order/cancel": ok(order_json(is_live=False)),
    }
    async with running(by_path=paths) as server:
        async with on(server, credentials=MASTER, account="primary") as (client, _):
            await client.balances()
            await client.roles()
            (member,) = await client.account_list()
            await client.cancel(ORDER_ID)
        payloads = {r.target: r.payload for r in server.requests}
    assert (member.short_name, member.counterparty_id) == ("primary", None)
    assert {path for path, payload in payloads.items() if payload.get("account") == "primary"} == {
        "/v1/balances",
        "/v1/order/cancel",
    }
    assert {path for path, payload in payloads.items() if "account" not in payload} == {
        "/v1/roles",
        "/v1/account/list",
    }


async def test_account_without_a_master_key_or_none_with_one_refused() -> None:
    async with running() as server:
        with pytest.raises(BadInputError, match="only a master key"):
            async with on(server, account="primary"):
                pass
        async with on(server, credentials=MASTER) as (client, _):
            with pytest.raises(BadInputError, match="on which account"):
                await client.balances()
        assert not server.requests


async def test_submit_for_another_account_than_the_clients_refused() -> None:
    def order(nonces: NonceSource, **fields: object) -> SignedOrder:
        request = sign(MASTER, "/v1/order/new", nonces.next(), fields)
        return SignedOrder(request=request, client_order_id="m-1", fields=fields)

    answer = ok(order_json(client_order_id="m-1"))
    async with (
        running(always=answer) as server,
        on(server, credentials=MASTER, account="primary") as (client, nonces),
    ):
        for fields in ({}, {"account": "other"}):
            with pytest.raises(BadInputError):
                await client.submit(order(nonces, **fields))
        assert not server.requests
        assert (await client.submit(order(nonces, account="primary"))).is_live


@pytest.mark.parametrize("name", [name for name, call in TABLE.items() if call.money is Money.MOVES])
async def test_call_that_moves_money_is_locked_here(name: str) -> None:
    call = TABLE[name]
    samples = {"symbol": "btcusd", "currency": "btc", "network": "bitcoin", "ticker": "btc", "token": "btc"}
    parts = {part: samples[part] for part in call.path_parts}
    async with running() as server, on(server) as (client, _):
        with pytest.raises(LockedError) as caught:
            await client.caller.call(call, done, parts=parts)
        assert caught.value.code == "MONEY_LOCKED"
        assert not server.requests


async def test_fx_rate_without_the_role_says_so() -> None:
    refusal = error(403, "MissingRole", "needs Auditor")
    async with running(always=refusal) as server, on(server) as (client, _):
        with pytest.raises(VenueRejectedError, match="needs Auditor"):
            await client.fx_rate("EURUSD", at(1594651859000))
        assert len(server.requests) == 1
