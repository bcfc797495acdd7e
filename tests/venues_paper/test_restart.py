import json
import stat
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from domain.clock import ManualClock
from domain.errors import BadInputError, ConflictError
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.runner import ExchangeProcess
from tests.venues_paper.signed import NONCES, Client, signed_headers
from venues.paper.server import main, running_exchange


def stranger_of(address: dict[str, str], http: httpx.AsyncClient) -> Client:
    return Client(address["url"], address["api_key"], address["api_secret"], http)


def desk_of(home: Path, address: dict[str, str], http: httpx.AsyncClient) -> Client:
    key = json.loads((home / "state" / "paper-account.json").read_text())
    return Client(address["url"], key["api_key"], key["api_secret"], http)


async def test_everything_a_customer_was_told_survives_kill_nine(
    tmp_path: Path, http: httpx.AsyncClient
) -> None:
    home = tmp_path / "home"
    first = ExchangeProcess(home)
    try:
        client = stranger_of(first.address, http)
        book = await client.get("/v1/book/btcusd?limit_asks=1&limit_bids=1")
        ask = Decimal(book["asks"][0]["price"])
        bought = await client.order(amount="0.001", price=str(ask + 100), client_order_id="c-1")
        resting = await client.order(amount="0.002", price="50000.00", client_order_id="c-2")
        stop = await client.order(
            type="exchange stop limit", side="sell", stop_price="40000.00", price="39000.00", amount="0.01"
        )
        sold = await client.order(
            symbol="ethusd", side="sell", amount="0.5", price="1000.00", options=["immediate-or-cancel"]
        )
        gone = await client.order(price="40000.00")
        await client.post("/v1/order/cancel", order_id=gone["order_id"])
        before = [await client.post(path) for path in ("/v1/balances", "/v1/orders", "/v1/mytrades")]
        price = Decimal((await client.get("/v1/pubticker/btcusd"))["last"])
        used = next(NONCES)
        used_headers = signed_headers(client.key, client.secret, "/v1/balances", nonce=used)
        assert (await http.post(client.url + "/v1/balances", headers=used_headers)).status_code == 200
    finally:
        first.kill()
    assert sold["executed_amount"] == "0.5"
    second = ExchangeProcess(home)
    try:
        again = stranger_of(second.address, http)
        assert (again.key, again.secret) == (client.key, client.secret)
        replayed = await http.post(again.url + "/v1/balances", headers=used_headers)
        assert replayed.json()["reason"] == "InvalidNonce"
        after = [await again.post(path) for path in ("/v1/balances", "/v1/orders", "/v1/mytrades")]
        assert after == before
        assert [o["order_id"] for o in after[1]] == [stop["order_id"], resting["order_id"]]
        book = await again.get("/v1/book/btcusd?limit_bids=0&limit_asks=0")
        assert {"price": "50000.00", "amount": "0.002"}.items() <= book["bids"][-1].items()
        found = await again.post("/v1/order/status", client_order_id="c-1", include_trades=True)
        assert found["order_id"] == bought["order_id"]
        assert found["trades"][0]["client_order_id"] == "c-1"
        later = Decimal((await again.get("/v1/pubticker/btcusd"))["last"])
        assert abs(later / price - 1) < Decimal("0.01")
        newer = await again.order(price="40000.00")
        assert int(newer["order_id"]) > int(stop["order_id"])
        done = await again.post("/v1/order/cancel/session")
        assert len(done["details"]["cancelledOrders"]) == 3
        held = [row for row in await again.post("/v1/balances") if row["amount"] != row["available"]]
        assert held == []
    finally:
        assert second.terminate() == 0
    assert not second.announcement.exists()


async def test_files_are_private_and_accounts_are_funded_as_promised(
    tmp_path: Path, http: httpx.AsyncClient
) -> None:
    home = tmp_path / "home"
    process = ExchangeProcess(home, speed="0")
    try:
        for name in ("run/exchange.json", "state/paper-account.json", "state/exchange.sqlite"):
            assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
        assert set(process.address) == {"url", "ws_url", "web_url", "api_key", "api_secret", "keys", "oauth"}
        assert process.address["api_key"].startswith("account-")
        assert "seeded" in json.loads((home / "run" / "world.json").read_text())["text"]
        funds = {
            row["currency"]: row["amount"]
            for row in await stranger_of(process.address, http).post("/v1/balances")
        }
        assert funds == {"USD": "10000", "BTC": "1", "ETH": "10"}
        desk = await desk_of(home, process.address, http).post("/v1/balances")
        assert [(row["currency"], row["amount"], row["available"]) for row in desk] == [
            ("USD", "10000", "10000")
        ]
        assert (await http.get(process.address["web_url"])).status_code == 200
    finally:
        assert process.end_stdin() == 0, "a supervised exchange ends with its parent's pipe"
    assert not process.announcement.exists()
    assert not (home / "run" / "world.json").exists()


async def test_candles_and_prices_go_on_after_a_restart(home: Path, http: httpx.AsyncClient) -> None:
    async with running_exchange(home=home, seed=5, clock=ManualClock(MORNING)) as running:
        for _ in range(20):
            await http.get(running.url + "/v1/symbols")
        before = (await http.get(running.url + "/v2/candles/solusd/1m")).json()
        book = (await http.get(running.url + "/v1/book/solusd?limit_bids=1")).json()
    async with running_exchange(home=home, seed=6, clock=ManualClock(MORNING)) as running:
        after = (await http.get(running.url + "/v2/candles/solusd/1m")).json()
        later = (await http.get(running.url + "/v1/book/solusd?limit_bids=1")).json()
    known = {row[0]: row for row in after}
    assert all(known[row[0]] == row for row in before[1:-2])
    assert abs(Decimal(later["bids"][0]["price"]) / Decimal(book["bids"][0]["price"]) - 1) < Decimal("0.005")


async def test_desk_keeps_its_key_when_the_state_is_lost(home: Path) -> None:
    async with running_exchange(home=home, clock=ManualClock(MORNING)) as running:
        key = running.desk
    for path in (home / "state").glob("exchange.sqlite*"):
        path.unlink()
    async with running_exchange(home=home) as running:
        assert running.desk == key


@pytest.mark.parametrize("speed", ["-1", "NaN", "1001", "Infinity"])
def test_speed_out_of_range_is_bad_input(tmp_path: Path, speed: str) -> None:
    with pytest.raises(BadInputError) as error:
        main(home=tmp_path / "home", speed=Decimal(speed))
    assert error.value.code == "BAD_SPEED"


def test_state_that_is_no_database_is_bad_input(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    state.write_bytes(b"not a database at all" * 100)
    with pytest.raises(BadInputError) as error:
        main(home=tmp_path / "home", state=state)
    assert error.value.code == "EXCHANGE_STATE_UNREADABLE"


def test_broken_key_file_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "home" / "state").mkdir(parents=True)
    (tmp_path / "home" / "state" / "paper-account.json").write_text("{")
    with pytest.raises(BadInputError) as error:
        main(home=tmp_path / "home")
    assert error.value.code == "PAPER_ACCOUNT_UNREADABLE"


async def test_second_exchange_on_a_home_is_refused_and_harms_nothing(home: Path) -> None:
    async with running_exchange(home=home, clock=ManualClock(MORNING)):
        with pytest.raises(ConflictError) as error:
            main(home=home)
        assert error.value.code == "ALREADY_RUNNING"
        assert (home / "run" / "exchange.json").exists()


async def test_port_in_use_is_bad_input(home: Path, tmp_path: Path) -> None:
    async with running_exchange(home=home, clock=ManualClock(MORNING)) as running:
        with pytest.raises(BadInputError) as error:
            main(home=tmp_path / "two", port=int(running.url.rpartition(":")[2]))
        assert error.value.code == "PORT_TAKEN"
