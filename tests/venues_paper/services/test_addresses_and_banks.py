"""Deposit addresses, networks, banks."""

import pytest

from tests.venues_paper.services.asking import Keys
from venues.paper.services.chains import CHAINS, play_address

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_account_has_one_address_from_the_start_and_gets_more(keys: Keys) -> None:
    (first,) = await keys["stranger"].post("/v1/addresses/ethereum")
    assert first["label"] == "play address"
    made = await keys["funds"].post("/v1/deposit/ethereum/newAddress", label="cold")
    assert made == {"address": made["address"], "label": "cold", "network": "ethereum"}
    newest, oldest = await keys["auditor"].post("/v1/addresses/ethereum")
    assert (newest["address"], oldest) == (made["address"], first)
    since = await keys["stranger"].post("/v1/addresses/ethereum", timestamp=newest["timestamp"])
    assert since == [newest]
    assert await keys["margin"].post("/v1/addresses/ethereum") != [first]


async def test_currency_stands_for_its_main_network(keys: Keys) -> None:
    made = await keys["funds"].post("/v1/deposit/BTC/newAddress")
    assert made["network"] == "bitcoin"
    assert made["address"].startswith("tb1q")
    assert await keys["funds"].refused("/v1/deposit/foochain/newAddress") == (404, "UnsupportedNetwork")
    assert await keys["stranger"].refused("/v1/addresses/foochain") == (404, "UnsupportedNetwork")


async def test_addresses_have_the_look_of_their_network(keys: Keys) -> None:
    looks = {
        "bitcoin": ("tb1q", 42),
        "ethereum": ("0x", 42),
        "solana": ("", 43),
        "xrpl": ("r", 34),
        "cosmos": ("cosmos1", 45),
    }
    for network, (prefix, length) in looks.items():
        (found,) = await keys["stranger"].post(f"/v1/addresses/{network}")
        assert found["address"].startswith(prefix)
        assert len(found["address"]) == length
        assert ("memo" in found) == CHAINS[network].has_memo
    legacy = await keys["funds"].post("/v1/deposit/litecoin/newAddress", legacy=True)
    assert legacy["address"].startswith("m")
    assert len(legacy["address"]) == 34


async def test_every_network_makes_addresses_of_its_own_letters() -> None:
    for chain in CHAINS.values():
        address = play_address(chain, "somebody", 1)
        assert len(address) == len(chain.prefix) + chain.length
        assert set(address.removeprefix(chain.prefix)) <= set(chain.alphabet)
        assert address != play_address(chain, "somebody", 2)


async def test_networks_of_a_token_and_tokens_of_a_network(keys: Keys) -> None:
    found = await keys["stranger"].get("/v1/network/rlusd")
    assert found == {"token": "RLUSD", "network": ["ethereum", "xrpl"]}
    answer = await keys.ask("funds", "network_assets", {}, {}, network="avalanche")
    assert answer.json() == {"network": "avalanche", "assets": ["AVAX", "USDC"]}
    answer = await keys.ask("funds", "network", {}, {}, token="NOCOIN")
    assert (answer.status_code, answer.json()["message"]) == (404, "UnsupportedNetwork: NOCOIN")
    answer = await keys.ask("funds", "network_assets", {}, {}, network="foochain")
    assert answer.status_code == 400
    assert "foochain" in answer.json()["errorMessage"]


async def test_bank_is_linked_once_and_its_number_is_not_kept(keys: Keys) -> None:
    bank = {"accountnumber": "00012345678", "routing": "021000021", "type": "checking", "name": "Old Bank"}
    first = await keys["funds"].post("/v1/payments/addbank", **bank)
    assert await keys["funds"].post("/v1/payments/addbank", **bank) == first
    other = await keys["funds"].post("/v1/payments/addbank", **{**bank, "type": "savings"})
    assert other != first
    cad = {"swiftcode": "ABCDCA22", "accountNumber": "7654321", "type": "savings", "name": "North"}
    assert await keys["funds"].post("/v1/payments/addbank/cad", **cad) == {"result": "OK"}
    methods = await keys["stranger"].post("/v1/payments/methods")
    assert [bank["bank"] for bank in methods["banks"]] == [
        "Old Bank Checking - 5678",
        "Old Bank Savings - 5678",
        "North Savings - 4321",
    ]
    assert [row["currency"] for row in methods["balances"]] == ["USD"]
    assert "12345678" not in str(keys.documents("bank"))
    assert (await keys["margin"].post("/v1/payments/methods"))["banks"] == []


async def test_bank_details_are_judged(keys: Keys) -> None:
    bank = {"accountnumber": "00012345678", "routing": "021000021", "type": "checking", "name": "Old Bank"}
    for name, wrong in (("accountnumber", "12"), ("routing", "a b c d"), ("type", "gold"), ("name", " ")):
        refused = await keys["funds"].refused("/v1/payments/addbank", **{**bank, name: wrong})
        assert refused == (400, "InvalidParameterValue")


async def test_auctions_are_gone(keys: Keys) -> None:
    client = keys["stranger"]
    assert set((await client.get("/v1/auction/btcusd")).values()) == {0}
    assert await client.get("/v1/auction/btcusd/history") == []
    unknown = await client.http.get(client.url + "/v1/auction/nosuch")
    assert (unknown.status_code, unknown.json()["reason"]) == (400, "Bad Request")
