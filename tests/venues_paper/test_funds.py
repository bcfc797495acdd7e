from decimal import Decimal

import pytest

from tests.venues_paper.signed import Client
from venues.paper.server import RunningExchange
from venues.paper.services.funds import add

D = Decimal


async def test_balances_show_what_is_pending_on_request(running: RunningExchange, stranger: Client) -> None:
    await stranger.order(amount="0.01")
    put_transfer(running, 1, type="Withdrawal", status="Pending", amount="250.5")
    put_transfer(running, 2, type="Deposit", status="Pending", amount="1")
    put_transfer(running, 3, type="Deposit", status="Complete", amount="7")
    plain = {row["currency"]: row for row in await stranger.post("/v1/balances")}
    assert set(plain["USD"]) == {"type", "currency", "amount", "available", "availableForWithdrawal"}
    rows = {row["currency"]: row for row in await stranger.post("/v1/balances", showPendingBalances=True)}
    assert rows["USD"] == {**plain["USD"], "pendingWithdrawal": "250.5", "pendingDeposit": "1"}
    assert (rows["BTC"]["pendingWithdrawal"], rows["BTC"]["pendingDeposit"]) == ("0", "0")
    assert await stranger.refused("/v1/balances", showPendingBalances="yes") == (400, "InvalidParameterValue")


async def test_balances_are_valued_in_fiat(stranger: Client) -> None:
    last = {row["pair"]: D(row["price"]) for row in await stranger.get("/v1/pricefeed")}
    rows = {row["currency"]: row for row in await stranger.post("/v1/notionalbalances/usd")}
    assert rows["USD"]["amountNotional"] == "10000"
    assert D(rows["BTC"]["amountNotional"]) / last["BTCUSD"] == pytest.approx(1, abs=D("0.003"))
    assert D(rows["ETH"]["availableForWithdrawalNotional"]) / last["ETHUSD"] == pytest.approx(
        10, abs=D("0.03")
    )
    euros = {row["currency"]: row for row in await stranger.post("/v1/notionalbalances/eur")}
    assert D(euros["USD"]["amountNotional"]) == pytest.approx(D(10_000) / D("1.16"))
    assert await stranger.refused("/v1/notionalbalances/xyz") == (400, "InvalidParameterValue")
    assert await stranger.refused("/v1/notionalbalances/btc") == (400, "InvalidParameterValue")


async def test_balances_are_cut_off_at_15_decimals_for_fiat_and_19_for_crypto(
    running: RunningExchange, stranger: Client
) -> None:
    fine = D("0.12345678901234567899")
    with running.exchange.operation():
        for currency in ("USD", "BTC"):
            add(running.exchange, running.exchange.accounts["stranger"], currency, fine)
    rows = {row["currency"]: row for row in await stranger.post("/v1/notionalbalances/usd")}
    assert rows["USD"]["amount"] == rows["USD"]["amountNotional"] == "10000.123456789012345"
    assert rows["BTC"]["available"] == "1.1234567890123456789"


def put_transfer(running: RunningExchange, eid: int, **body: object) -> None:
    """Put what the calls that move money put for each movement."""
    exchange = running.exchange
    shown = {"type": "Deposit", "status": "Complete", "timestampms": 1_700_000_000_000 + eid // 2, "eid": eid}
    with exchange.operation():
        exchange.documents.put(
            "transfer", str(eid), "stranger", {**shown, "currency": "USD", "amount": "1", **body}
        )


@pytest.mark.parametrize("path", ["/v1/transfers", "/v2/transfers"])
async def test_transfers_are_filtered_and_paged(
    running: RunningExchange, stranger: Client, desk: Client, path: str
) -> None:
    for eid in range(1, 14):
        put_transfer(running, eid)
    put_transfer(running, 14, currency="BTC", network="bitcoin")
    put_transfer(running, 15, status="Advanced")
    assert [row["eid"] for row in await stranger.post(path)] == list(range(14, 4, -1))
    assert [row["eid"] for row in await stranger.post(path, currency="btc", network="bitcoin")] == [14]
    shown = await stranger.post(path, limit_transfers=1, show_completed_deposit_advances=True)
    assert [row["eid"] for row in shown] == [15]
    seen: list[int] = []
    start = 0
    while page := await stranger.post(path, timestamp=start, limit_transfers=2):
        seen = [row["eid"] for row in page] + seen
        start = page[0]["timestampms"] + 1
    assert seen == list(range(14, 0, -1))
    assert await desk.post(path) == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"limit_transfers": 51}, "InvalidParameterValue"),
        ({"limit_transfers": 0}, "InvalidParameterValue"),
        ({"currency": 4}, "InvalidParameterValue"),
        ({"timestamp": "soon"}, "InvalidTimestampInPayload"),
        ({"show_completed_deposit_advances": "true"}, "InvalidParameterValue"),
    ],
)
async def test_faulty_transfers_call_is_refused(
    shared_desk: Client, fields: dict[str, object], reason: str
) -> None:
    assert await shared_desk.refused("/v2/transfers", **fields) == (400, reason)
