from decimal import Decimal

import httpx
import pytest

from tests.venues_paper.signed import Client, signed_headers
from venues.paper.calls.fx_api import LEVELS, fixing
from venues.paper.server import RunningExchange

HOUR_MS = 3_600_000


async def ask(
    http: httpx.AsyncClient, running: RunningExchange, path: str, label: str = "auditor"
) -> httpx.Response:
    key = running.key(label)
    return await http.get(running.url + path, headers=signed_headers(key.api_key, key.api_secret, path))


async def test_fixing_is_the_last_one_of_its_hour(running: RunningExchange, http: httpx.AsyncClient) -> None:
    at_ms = running.exchange.timeline.now_ms() - 5 * HOUR_MS
    for when in (at_ms, at_ms // 1000):
        answer = (await ask(http, running, f"/v2/fxrate/EURUSD/{when}")).json()
        assert answer == {
            "fxPair": "EURUSD",
            "rate": answer["rate"],
            "asOf": at_ms // HOUR_MS * HOUR_MS,
            "provider": "bcb",
            "benchmark": "Spot",
        }
        assert answer["rate"] == float(fixing("EURUSD", at_ms // HOUR_MS))


async def test_fixing_is_for_the_auditor_and_for_times_that_were(
    running: RunningExchange, http: httpx.AsyncClient, stranger: Client
) -> None:
    now_ms = running.exchange.timeline.now_ms()
    refused = await ask(http, running, f"/v2/fxrate/EURUSD/{now_ms}", label="stranger")
    assert (refused.status_code, refused.json()["reason"]) == (403, "MissingRole")
    for path, reason in (
        (f"/v2/fxrate/EURUSD/{now_ms + HOUR_MS}", "InvalidTimestampInPayload"),
        ("/v2/fxrate/EURUSD/soon", "InvalidTimestampInPayload"),
        (f"/v2/fxrate/eurusd/{now_ms}", "InvalidSymbol"),
        (f"/v2/fxrate/BTCUSD/{now_ms}", "InvalidSymbol"),
    ):
        answer = await ask(http, running, path)
        assert (answer.status_code, answer.json()["reason"]) == (400, reason)
    unsigned = await http.get(stranger.url + f"/v2/fxrate/EURUSD/{now_ms}")
    assert unsigned.status_code == 401


@pytest.mark.parametrize("pair", LEVELS)
def test_every_pair_is_fixed_near_its_level_and_always_alike(pair: str) -> None:
    found = [fixing(pair, hour) for hour in range(500_000, 500_040)]
    assert found == [fixing(pair, hour) for hour in range(500_000, 500_040)]
    assert len(set(found)) > 30
    assert all(abs(rate / LEVELS[pair] - 1) < Decimal("0.009") for rate in found)
    assert len(LEVELS) == 14
