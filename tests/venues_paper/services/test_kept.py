"""What a restart keeps, and that the same seed and the same requests give the same bytes."""

from decimal import Decimal
from pathlib import Path

import httpx

from domain.clock import ManualClock
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.services.asking import Keys, available
from venues.paper.exchange import DAY_MS
from venues.paper.server import running_exchange
from venues.paper.services.staking_terms import PROVIDER
from venues.paper.services.withdrawals import CONFIRMED_AFTER_MS

TERMS = {"symbol": "btcusd", "amount": "0.1", "price": "50000.00"}
ETH = {"providerId": PROVIDER, "currency": "ETH"}


async def test_what_waits_goes_on_after_a_restart(home: Path, http: httpx.AsyncClient) -> None:
    async with running_exchange(home=home, seed=11, clock=ManualClock(MORNING)) as running:
        keys = Keys(running, http)
        send = {"address": keys.wallet("bitcoin"), "amount": "0.1"}
        await keys["funds"].post("/v2/withdraw/bitcoin/btc", **send)
        made = await keys["desk"].post("/v1/clearing/new", **TERMS, side="buy")
        clearing_id = made["clearing_id"]
        await keys["stranger"].post("/v1/clearing/confirm", **TERMS, side="sell", clearing_id=clearing_id)
        gone = keys.wallet("ethereum")
        await keys["funds"].post("/v1/approvedAddresses/ethereum/remove", address=gone)
        await keys["stranger"].post("/v1/staking/stake", **ETH, amount="1")
        stopped_ms = keys.now_ms
    async with running_exchange(home=home, seed=11, clock=ManualClock(MORNING)) as running:
        keys = Keys(running, http)
        assert await available(keys["funds"], "BTC") == (Decimal(1), Decimal("0.9"))
        listed = await keys["stranger"].post("/v1/approvedAddresses/account/ethereum")
        assert listed == {"approvedAddresses": []}
        keys.pass_time(max(0, stopped_ms - keys.now_ms) + CONFIRMED_AFTER_MS)
        for _ in range(5):
            answer = await keys["desk"].post("/v1/clearing/status", clearing_id=clearing_id)
        assert answer["status"] == "Settled"
        assert await available(keys["funds"], "BTC") == (Decimal("0.8"), Decimal("0.8"))
        assert keys.documents("transfer")[0]["status"] == "Complete"
        (staked,) = await keys["stranger"].post("/v1/balances/staking")
        assert staked["balance"] == 1


async def test_no_id_is_given_twice_however_often_it_opens(home: Path, http: httpx.AsyncClient) -> None:
    orders, draws = [], []
    for _ in range(3):
        async with running_exchange(home=home, seed=11, clock=ManualClock(MORNING)) as running:
            keys = Keys(running, http)
            send = {"address": keys.wallet("bitcoin"), "amount": "0.1"}
            draws.append((await keys["funds"].post("/v2/withdraw/bitcoin/btc", **send))["withdrawalId"])
            orders += [int((await keys["stranger"].order(amount="0.0001"))["order_id"]) for _ in range(3)]
            assert len(await keys["stranger"].post("/v1/orders")) == len(orders)
            assert [body["withdrawalId"] for body in keys.documents("withdrawal")] == draws
    assert orders == sorted(set(orders))
    assert len(set(draws)) == 3


async def test_virtual_time_does_not_go_back_over_a_restart(home: Path) -> None:
    stood = 0
    for _ in range(3):
        async with running_exchange(home=home, seed=11) as running:
            assert running.exchange.timeline.now_ms() >= stood
            running.exchange.step()
            stood = running.exchange.timeline.now_ms()


async def told(home: Path, http: httpx.AsyncClient) -> list[str]:
    async with running_exchange(home=home, seed=11, clock=ManualClock(MORNING)) as running:
        keys = Keys(running, http)
        said = []
        for label, path, fields in (
            ("funds", "/v1/deposit/bitcoin/newAddress", {}),
            ("funds", "/v2/withdraw/bitcoin/btc", {"address": keys.wallet("bitcoin"), "amount": "0.1"}),
            ("stranger", "/v1/staking/stake", {**ETH, "amount": "1"}),
            ("desk", "/v1/clearing/new", {**TERMS, "side": "buy"}),
            ("margin", "/v1/margin/account", {}),
        ):
            answer = await keys[label].try_post(path, **fields)
            assert answer.status_code == 200
            said.append(answer.text)
        keys.pass_time(DAY_MS)
        paths = ("/v1/staking/history", "/v1/clearing/trades", "/v1/balances")
        said += [(await keys["stranger"].try_post(path)).text for path in paths]
        said.append(str(running.exchange.documents.of("transfer")))
    return said


async def test_same_seed_and_requests_give_the_same_bytes(tmp_path: Path, http: httpx.AsyncClient) -> None:
    assert await told(tmp_path / "one", http) == await told(tmp_path / "two", http)
