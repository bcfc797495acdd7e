import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from domain.clock import ManualClock
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.runner import ExchangeProcess
from tests.venues_paper.signed import Client, signed_headers
from venues.paper.faults.fault_file import FaultPlan
from venues.paper.server import RunningExchange, running_exchange

CUT = {"fault": [{"kind": "cut_after", "path": "/v1/order/new"}]}


class Control:
    def __init__(self, running: RunningExchange, http: httpx.AsyncClient) -> None:
        self.url, self.http = running.url + "/control", http
        self.headers = {"Authorization": f"Bearer {running.control_token}"}

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        content = b"" if body is None else json.dumps(body).encode()
        answer = await self.http.request(method, self.url + path, headers=self.headers, content=content)
        return answer.status_code, answer.json()


async def test_normal_start_serves_no_control_route(
    running: RunningExchange, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    assert running.control_token == ""
    assert not (tmp_path / "home" / "run" / "exchange-control.token").exists()
    answer = await http.get(running.url + "/control/faults", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["reason"]) == (404, "EndpointNotFound")


async def test_token_stands_in_the_home_and_leaves_with_the_exchange(home: Path) -> None:
    path = home / "run" / "exchange-control.token"
    async with running_exchange(home=home, clock=ManualClock(MORNING), faults=FaultPlan()) as running:
        assert path.read_text() == running.control_token + "\n"
        assert path.stat().st_mode & 0o777 == 0o600
        first = running.control_token
    assert not path.exists()
    async with running_exchange(home=home, clock=ManualClock(MORNING), faults=FaultPlan()) as running:
        assert running.control_token != first


async def test_only_the_token_opens_it(home: Path, http: httpx.AsyncClient) -> None:
    async with running_exchange(home=home, clock=ManualClock(MORNING), faults=FaultPlan()) as running:
        url = running.url + "/control/faults"
        key = signed_headers(running.desk.api_key, running.desk.api_secret, "/control/faults")
        for headers in ({}, key, {"Authorization": "Bearer x"}, {"Authorization": running.control_token}):
            answer = await http.get(url, headers=headers)
            assert (answer.status_code, answer.json()["reason"]) == (403, "RemoteAddressForbidden")
            assert running.control_token not in answer.text
        page = await http.get(url, headers={
            "Authorization": f"Bearer {running.control_token}", "Origin": "http://evil.example",
        })  # fmt: skip
        assert page.status_code == 403, "the guard stands in front of it too"


async def test_faults_are_armed_listed_and_disarmed(home: Path, http: httpx.AsyncClient) -> None:
    async with running_exchange(home=home, clock=ManualClock(MORNING), faults=FaultPlan()) as running:
        control = Control(running, http)
        client = Client(running.url, running.desk.api_key, running.desk.api_secret, http)
        assert await control.ask("POST", "/faults", CUT) == (200, {"armed": [1]})
        more = {"fault": [{"kind": "maintenance", "nth": 99, "path": "/v1/order/*"}]}
        assert await control.ask("POST", "/faults", more) == (200, {"armed": [2]})
        with pytest.raises(httpx.TransportError):
            await client.order()
        _, listed = await control.ask("GET", "/faults")
        assert [(each["kind"], each["seen"], each["struck"]) for each in listed["faults"]] == [
            ("cut_after", 1, 1), ("maintenance", 1, 0),
        ]  # fmt: skip
        assert await control.ask("DELETE", "/faults/2") == (200, {"cleared": 1})
        assert await control.ask("DELETE", "/faults/2") == (200, {"cleared": 0})
        assert await control.ask("DELETE", "/faults") == (200, {"cleared": 1})
        assert (await control.ask("GET", "/faults"))[1] == {"faults": []}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def control(opened_home: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Control]:
    home = shutil.copytree(opened_home, tmp_path_factory.mktemp("control") / "home")
    async with (
        running_exchange(home=home, clock=ManualClock(MORNING), faults=FaultPlan()) as running,
        httpx.AsyncClient(trust_env=False, timeout=20) as client,
    ):
        yield Control(running, client)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("asked", "body", "reason", "named"),
    [
        ("POST /faults", {"fault": [{"kind": "cut_after", "route": "/"}]}, "InvalidParameterValue", "route"),
        ("POST /faults", [1], "InvalidParameterValue", "array"),
        ("POST /faults", {"status": [{"symbol": "nopeusd", "status": "open"}]}, "InvalidSymbol", "nope"),
        ("POST /faults", {"fault": [{"kind": "maintenance"}] * 201}, "InvalidParameterValue", "200"),
        ("PUT /faults", None, "EndpointNotFound", "PUT"),
        ("GET /orders/1", None, "OrderNotFound", "1"),
        ("GET /orders/x", None, "EndpointNotFound", "orders"),
        ("DELETE /orders/1", None, "EndpointNotFound", "orders"),
        ("GET /secrets", None, "EndpointNotFound", "secrets"),
    ],
)
async def test_faulty_request_is_refused_and_arms_nothing(
    control: Control, asked: str, body: object, reason: str, named: str
) -> None:
    status, answer = await control.ask(*asked.split(), body)
    assert status in {400, 404}
    assert answer["reason"] == reason
    assert named in answer["message"]
    assert (await control.ask("GET", "/faults"))[1] == {"faults": []}


async def test_status_is_set_at_once(home: Path, http: httpx.AsyncClient) -> None:
    async with running_exchange(home=home, clock=ManualClock(MORNING), faults=FaultPlan()) as running:
        change = {"status": [{"symbol": "ethusd", "status": "post_only"}]}
        assert await Control(running, http).ask("POST", "/faults", change) == (200, {"armed": []})
        assert running.exchange.engine.markets["ethusd"].status == "post_only"


async def test_queue_of_an_order_is_seen(home: Path, http: httpx.AsyncClient) -> None:
    async with running_exchange(home=home, clock=ManualClock(MORNING), faults=FaultPlan()) as running:
        control = Control(running, http)
        desk = Client(running.url, running.desk.api_key, running.desk.api_secret, http)
        stranger = Client(running.url, running.stranger.api_key, running.stranger.api_secret, http)
        await desk.order(amount="0.002")
        mine = await stranger.order(amount="0.001")
        await desk.order(amount="0.004")
        assert (await control.ask("GET", f"/orders/{mine['order_id']}"))[1] == {
            "order_id": mine["order_id"], "rests": True, "ahead": "0.002", "recorded_ahead": "0",
            "behind": "0.004",
        }  # fmt: skip
        stop = await desk.post(
            "/v1/order/new", symbol="btcusd", amount="0.001", price="900000", stop_price="890000", side="buy",
            type="exchange stop limit",
        )  # fmt: skip
        assert (await control.ask("GET", f"/orders/{stop['order_id']}"))[1]["rests"] is False
        place = running.queue(int(mine["order_id"]))
        assert place is not None
        assert str(place.ahead) == "0.002"


def test_process_takes_its_faults_from_a_file(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"fault": [{"kind": "maintenance", "path": "/v1/pricefeed"}]}))
    process = ExchangeProcess(tmp_path / "home", faults=plan)
    try:
        url = process.address["url"]
        assert httpx.get(url + "/v1/pricefeed", trust_env=False).status_code == 503
        token = (tmp_path / "home" / "run" / "exchange-control.token").read_text().strip()
        listed = httpx.get(
            url + "/control/faults", headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )
        assert listed.json()["faults"][0]["struck"] == 1
    finally:
        assert process.terminate() == 0
    assert not (tmp_path / "home" / "run" / "exchange-control.token").exists()
