"""Every fault of docs/faults.md, armed from its own example there, against a running exchange."""

import asyncio
import json
import re
import shutil
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from domain.clock import ManualClock
from domain.errors import BadInputError
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.signed import ORDER, Client, signed_headers
from venues.gemini.catalogue.reasons import REASONS
from venues.paper.faults.armed import Faults
from venues.paper.faults.fault_file import FaultPlan, plan_from_json, read_plan
from venues.paper.faults.fault_kinds import AnyFault, Stream
from venues.paper.matching.refusals import RefusedError
from venues.paper.opening import TIME_NONCE
from venues.paper.server import RunningExchange, running_exchange

DOCS = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
EXAMPLES = {
    section.partition("\n")[0]: found[1]
    for section in re.split(r"^##+ ", DOCS.read_text(), flags=re.MULTILINE)
    if (found := re.search(r"```toml\n(.*?)```", section, re.DOTALL))
}
KINDS = sorted(kind.__struct_config__.tag for kind in AnyFault.__args__)


class World:
    """A running exchange with a plan, and a customer."""

    def __init__(self, running: RunningExchange, http: httpx.AsyncClient) -> None:
        self.running, self.http = running, http
        self.client = Client(running.url, running.stranger.api_key, running.stranger.api_secret, http)

    async def live(self) -> list[Any]:
        return await self.client.post("/v1/orders")

    async def lost_order(self) -> type[Exception]:
        with pytest.raises(httpx.TransportError) as error:
            await self.client.order()
        return type(error.value)

    def events(self) -> connect:
        path = "/v1/order/events"
        headers = signed_headers(self.client.key, self.client.secret, path)
        return connect(self.running.ws_url + path, additional_headers=headers, proxy=None)

    async def two_orders(self, socket: ClientConnection) -> list[Any]:
        """Events of two resting orders, as far as they come before a cancelled third."""
        await socket.recv()
        await self.client.order()
        await self.client.order()
        await self.client.order(side="sell", price="1000.00", options=["maker-or-cancel"])
        found: list[Any] = []
        while not any(event["type"] == "cancelled" for event in found):
            found += json.loads(await asyncio.wait_for(socket.recv(), 10))
        return [(event["type"], event["socket_sequence"]) for event in found[:-2]]


async def check_latency(world: World) -> None:
    start = time.monotonic()
    await world.client.get("/v1/book/btcusd")
    first = time.monotonic()
    await world.client.get("/v1/book/btcusd")
    assert 0.12 <= first - start < 0.5
    assert time.monotonic() - first < 0.1


async def check_cut_before(world: World) -> None:
    assert await world.lost_order() is httpx.RemoteProtocolError
    assert await world.live() == []


async def check_cut_after(world: World) -> None:
    assert await world.lost_order() is httpx.RemoteProtocolError
    assert len(await world.live()) == 1


async def check_error_after(world: World) -> None:
    answer = await world.client.try_post("/v1/order/new", **ORDER)
    assert (answer.status_code, answer.json()["reason"]) == (502, "System")
    assert len(await world.live()) == 1


async def check_rate_limit_storm(world: World) -> None:
    answers = [await world.client.try_post("/v1/order/new", **ORDER) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2 + [200]
    assert answers[5].headers["retry-after"] == "2"
    assert answers[5].json()["reason"] == "RateLimit"
    assert len(await world.live()) == 6


async def check_maintenance(world: World) -> None:
    assert await world.client.refused("/v1/order/new", **ORDER) == (503, "Maintenance")
    assert (await world.http.get(world.running.url + "/v1/symbols")).status_code == 503
    assert await world.live() == []


async def check_refuse(world: World) -> None:
    assert await world.client.refused("/v1/order/new", **ORDER) == (400, "AuctionNotOpen")
    assert await world.live() == []


async def check_truncated_body(world: World) -> None:
    answer = await world.client.try_post("/v1/order/new", **ORDER)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert len(await world.live()) == 1


async def check_empty_body(world: World) -> None:
    answer = await world.client.try_post("/v1/balances")
    assert (answer.status_code, answer.content) == (200, b"")
    assert await world.client.post("/v1/balances")


async def check_not_json(world: World) -> None:
    answer = await world.client.try_post("/v1/orders")
    assert (answer.status_code, answer.text) == (502, "<html><body>Bad Gateway</body></html>")


async def check_duplicate_client_order_id(world: World) -> None:
    await world.client.order(client_order_id="once")
    assert await world.client.refused("/v1/order/new", **ORDER, client_order_id="once") == (
        400, "DuplicateOrder",
    )  # fmt: skip
    await world.client.order(client_order_id="once")
    assert len(await world.live()) == 2


async def check_clock_skew(world: World) -> None:
    dates = [
        parsedate_to_datetime((await world.http.get(world.running.url + "/v1/symbols")).headers["date"])
        for _ in range(3)
    ]
    now = world.running.exchange.timeline.wall_now()
    assert timedelta(seconds=43) < dates[0] - now < timedelta(seconds=47)
    assert dates[1] > dates[2]
    assert abs(dates[2] - now) < timedelta(seconds=2)


async def check_drop_event(world: World) -> None:
    async with world.events() as socket:
        assert await world.two_orders(socket) == [("accepted", 0), ("accepted", 2), ("booked", 3)]


async def check_duplicate_event(world: World) -> None:
    async with world.events() as socket:
        assert (await world.two_orders(socket))[:3] == [("accepted", 0), ("accepted", 0), ("booked", 1)]


async def check_reorder_events(world: World) -> None:
    async with world.events() as socket:
        assert await world.two_orders(socket) == [
            ("booked", 1), ("accepted", 0), ("accepted", 2), ("booked", 3),
        ]  # fmt: skip


async def check_sequence_gap(world: World) -> None:
    async with world.events() as socket:
        assert [number for _, number in await world.two_orders(socket)] == [0, 4, 5, 6]


async def check_corrupt_frame(world: World) -> None:
    async with connect(world.running.ws_url + "/v2/marketdata", proxy=None) as socket:
        await socket.send('{"type":"subscribe","subscriptions":[{"name":"l2","symbols":["BTCUSD"]}]}')
        frame = await asyncio.wait_for(socket.recv(), 5)
        assert frame.startswith('{"')
        with pytest.raises(json.JSONDecodeError):
            json.loads(frame)
        await world.client.order()
        assert json.loads(await asyncio.wait_for(socket.recv(), 5))["symbol"] == "BTCUSD"


async def check_slow_reader(world: World) -> None:
    async with world.events() as socket:
        await socket.recv()
        await world.client.order()
        await socket.recv()
        start = time.monotonic()
        assert json.loads(await socket.recv())[0]["type"] == "booked"
        assert time.monotonic() - start > 0.1


async def check_cut_stream(world: World) -> None:
    async with world.events() as socket:
        await socket.recv()
        await world.client.order()
        assert json.loads(await socket.recv())[0]["type"] == "accepted"
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)


CHECKS: dict[str, Callable[[World], Awaitable[None]]] = {
    "latency": check_latency,
    "cut_before": check_cut_before,
    "cut_after": check_cut_after,
    "error_after": check_error_after,
    "rate_limit_storm": check_rate_limit_storm,
    "maintenance": check_maintenance,
    "refuse": check_refuse,
    "truncated_body": check_truncated_body,
    "empty_body": check_empty_body,
    "not_json": check_not_json,
    "duplicate_client_order_id": check_duplicate_client_order_id,
    "clock_skew": check_clock_skew,
    "drop_event": check_drop_event,
    "duplicate_event": check_duplicate_event,
    "reorder_events": check_reorder_events,
    "sequence_gap": check_sequence_gap,
    "corrupt_frame": check_corrupt_frame,
    "slow_reader": check_slow_reader,
    "cut_stream": check_cut_stream,
}


def plan(text: str) -> FaultPlan:
    return plan_from_json(json.dumps(tomllib.loads(text)).encode())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(opened_home: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One exchange for all examples; each finds it without faults and without orders."""
    home = shutil.copytree(opened_home, tmp_path_factory.mktemp("faults") / "home")
    async with (
        running_exchange(home=home, clock=ManualClock(MORNING), faults=FaultPlan()) as running,
        httpx.AsyncClient(trust_env=False, timeout=20) as http,
    ):
        yield World(running, http)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", KINDS)
async def test_documented_fault_strikes_as_its_example_says(world: World, kind: str) -> None:
    faults = world.running.exchange.faults
    faults.clear()
    await world.client.post("/v1/order/cancel/all")
    faults.arm(plan(EXAMPLES[kind]))
    await CHECKS[kind](world)
    assert [armed.struck >= 1 for armed in faults.armed()] == [True]


@pytest.mark.asyncio(loop_scope="module")
async def test_all_delays_of_a_request_are_waited_out_and_one_fault_decides(world: World) -> None:
    faults = world.running.exchange.faults
    faults.clear()
    delay = '[[fault]]\nkind = "latency"\nlow_ms = 60\nhigh_ms = 60\n'
    faults.arm(
        plan(
            f'{delay}side = "answer"\n{delay}{delay}[[fault]]\nkind = "empty_body"\nstatus = 204\n'
            '[[fault]]\nkind = "error_after"\nstatus = 504'
        )
    )
    start = time.monotonic()
    answer = await world.http.get(world.running.url + "/v1/symbols")
    assert answer.status_code == 504
    assert time.monotonic() - start >= 0.18
    assert [armed.struck for armed in faults.armed()] == [1] * 5


def test_faults_and_waiting_statuses_are_bounded() -> None:
    faults = Faults(lambda: 0)
    for table in ('[[fault]]\nkind = "maintenance"\n', '[[status]]\nsymbol="*"\nstatus="open"\nat_ms=1\n'):
        faults.arm(plan(table * 200))
        with pytest.raises(RefusedError, match="200"):
            faults.arm(plan(table))


def test_documentation_tells_of_every_key_and_no_other() -> None:
    assert sorted(CHECKS) == KINDS
    assert set(EXAMPLES) == {*KINDS, "Trading status"}
    text = DOCS.read_text()
    for kind in AnyFault.__args__:
        for key in kind.__struct_fields__:
            assert re.search(rf"\b{key}\b", text), (kind, key)
    for stream in Stream:
        assert f"`{stream}`" in text


@pytest.mark.parametrize("name", ["plan.toml", "plan.json"])
def test_both_formats_give_the_same_plan(tmp_path: Path, name: str) -> None:
    text = 'seed = 7\n[[fault]]\nkind = "cut_after"\npath = "/v1/order/new"\n'
    path = tmp_path / name
    path.write_text(text if name.endswith("toml") else json.dumps(tomllib.loads(text)))
    found = read_plan(path)
    assert (found.seed, found.faults[0].path) == (7, "/v1/order/new")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[[fault]]\nkind = "cut_after"\nroute = "/v1"', "route"),
        ('[[fault]]\nkind = "vanish"', "vanish"),
        ('[[faults]]\nkind = "cut_after"', "faults"),
        ("sede = 3", "sede"),
        ('[[fault]]\nkind = "latency"\nlow_ms = 1\nhigh_ms = 60001', "high_ms"),
        ('[[fault]]\nkind = "latency"\nlow_ms = 9\nhigh_ms = 1', "high_ms must not be below low_ms"),
        ('[[fault]]\nkind = "cut_after"\ncount = 0', "count"),
        ('[[fault]]\nkind = "cut_after"\npercent = 101', "percent"),
        ('[[fault]]\nkind = "cut_after"\nfrom_ms = 5\nuntil_ms = 5', "until_ms must be later"),
        ('[[fault]]\nkind = "cut_after"\npath = "v1"', "path"),
        ('[[fault]]\nkind = "cut_after"\nnth = "2"', "nth"),
        ('[[fault]]\nkind = "drop_event"\nstream = "orders"', "stream"),
        ('[[status]]\nsymbol = "btcusd"\nstatus = "shut"', "shut"),
        ("seed = [", "plan.toml"),
    ],
)
def test_faulty_plan_is_refused_by_name_with_a_cure(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(BadInputError) as refusal:
        read_plan(path)
    assert refusal.value.code == "FAULTS_REFUSED"
    assert named in refusal.value.message
    assert refusal.value.cure


@pytest.mark.parametrize("name", ["missing.toml", "plan.yaml"])
def test_plan_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match=name):
        read_plan(tmp_path / name)


async def test_plan_for_a_symbol_that_is_not_listed_is_refused(home: Path) -> None:
    faults = plan('[[status]]\nsymbol = "nopeusd"\nstatus = "closed"')
    with pytest.raises(BadInputError, match="nopeusd"):
        async with running_exchange(home=home, faults=faults):
            pass


async def test_status_of_the_example_is_set_at_once_and_later_ones_in_time(
    home: Path, http: httpx.AsyncClient
) -> None:
    faults = plan(EXAMPLES["Trading status"] + '[[status]]\nsymbol="btcusd"\nstatus="open"\nat_ms=1000\n')
    async with running_exchange(home=home, clock=ManualClock(MORNING), faults=faults) as running:
        market = running.exchange.engine.markets["btcusd"]
        assert market.status == "cancel_only"
        await http.get(running.url + "/v1/symbols")
        assert market.status == "cancel_only"
        await http.get(running.url + "/v1/symbols")
        assert market.status == "open"


# When a fault strikes


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


def struck(text: str, paths: list[str], step_ms: int = 0) -> list[bool]:
    clock = Clock()
    faults = Faults(clock)
    faults.arm(plan(text))
    found = []
    for path in paths:
        before = faults.armed()[0].struck
        faults.request(path)
        found.append(faults.armed()[0].struck > before)
        clock.ms += step_ms
    return found


def test_fault_strikes_once_by_default() -> None:
    assert struck('[[fault]]\nkind = "cut_after"', ["/a"] * 3) == [True, False, False]


def test_fault_counts_from_the_nth_match_of_its_path() -> None:
    text = '[[fault]]\nkind = "cut_after"\nnth = 2\ncount = 2\npath = "/v1/order/*"'
    paths = ["/v1/order/new", "/v1/orders", "/v1/order/cancel", "/v1/order/new", "/v1/order/new"]
    assert struck(text, paths) == [False, False, True, True, False]


def test_fault_strikes_throughout_its_window_and_only_there() -> None:
    text = '[[fault]]\nkind = "cut_after"\nfrom_ms = 100\nuntil_ms = 300'
    assert struck(text, ["/a"] * 5, step_ms=100) == [False, True, True, False, False]


def test_chance_comes_from_the_seed() -> None:
    text = '[[fault]]\nkind = "cut_after"\npercent = 30\ncount = 1000'
    first = struck("seed = 1\n" + text, ["/a"] * 200)
    assert 35 < sum(first) < 85
    assert struck("seed = 1\n" + text, ["/a"] * 200) == first
    assert struck("seed = 2\n" + text, ["/a"] * 200) != first


def test_faults_draw_apart_from_each_other() -> None:
    text = 'seed = 1\n[[fault]]\nkind = "cut_after"\npercent = 50\ncount = 99\n'
    more = text + '[[fault]]\nkind = "latency"\nlow_ms = 0\nhigh_ms = 9\npercent = 50\ncount = 99\n'
    assert struck(text, ["/a"] * 60) == struck(more, ["/a"] * 60)


async def test_same_plan_and_requests_give_the_same_answers(
    opened_home: Path, tmp_path: Path, http: httpx.AsyncClient
) -> None:
    text = 'seed = 5\n[[fault]]\nkind = "empty_body"\npercent = 40\ncount = 99\n'
    runs = []
    for number in range(2):
        home = shutil.copytree(opened_home, tmp_path / str(number))
        async with running_exchange(
            home=home, seed=3, clock=ManualClock(MORNING), faults=plan(text)
        ) as running:
            answers = [await http.get(f"{running.url}/v1/book/btcusd") for _ in range(12)]
        runs.append([(answer.content, answer.headers["date"]) for answer in answers])
    assert runs[0] == runs[1]
    assert 0 < sum(not content for content, _ in runs[0]) < 12


async def test_silent_loss_leaves_no_gap(home: Path, http: httpx.AsyncClient) -> None:
    text = '[[fault]]\nkind = "drop_event"\nevent = "booked"\nsilent = true'
    async with running_exchange(home=home, clock=ManualClock(MORNING), faults=plan(text)) as running:
        world = World(running, http)
        async with world.events() as socket:
            assert await world.two_orders(socket) == [("accepted", 0), ("accepted", 1), ("booked", 2)]


async def test_frame_held_back_on_one_connection_never_appears_on_another(
    home: Path, http: httpx.AsyncClient
) -> None:
    text = '[[fault]]\nkind = "reorder_events"\nevent = "accepted"'
    async with running_exchange(home=home, clock=ManualClock(MORNING), faults=plan(text)) as running:
        stranger = World(running, http)
        desk = World(running, http)
        desk.client = Client(running.url, running.desk.api_key, running.desk.api_secret, http)
        async with stranger.events() as theirs, desk.events() as ours:
            await theirs.recv()
            await ours.recv()
            await stranger.client.order()
            mine = await desk.client.order()
            events = [json.loads(await asyncio.wait_for(ours.recv(), 5))[0] for _ in range(2)]
        assert [event["order_id"] for event in events] == [mine["order_id"]] * 2


async def test_other_customers_numbers_start_anew_after_a_reconnect(
    home: Path, http: httpx.AsyncClient
) -> None:
    text = '[[fault]]\nkind = "sequence_gap"\nsize = 5'
    async with running_exchange(home=home, clock=ManualClock(MORNING), faults=plan(text)) as running:
        world = World(running, http)
        async with world.events() as socket:
            assert (await world.two_orders(socket))[0] == ("accepted", 5)
        async with world.events() as socket:
            assert (await world.two_orders(socket))[0] == ("initial", 0)


async def test_clock_of_nonces_can_be_wrong_too(home: Path, http: httpx.AsyncClient) -> None:
    text = '[[fault]]\nkind = "clock_skew"\nclock = "nonce"\nseconds = -45'
    async with running_exchange(home=home, clock=ManualClock(MORNING), faults=plan(text)) as running:
        key = running.key(TIME_NONCE)
        now = running.exchange.timeline.now_ms() // 1000
        answers = []
        for _ in range(2):
            headers = signed_headers(key.api_key, key.api_secret, "/v1/heartbeat", nonce=now)
            answers.append(await http.post(running.url + "/v1/heartbeat", headers=headers))
        assert [answer.status_code for answer in answers] == [400, 200]
        assert answers[0].json()["reason"] == "InvalidNonce"


SUBSCRIPTIONS = {
    Stream.MARKET_DATA: (
        "/v2/marketdata",
        '{"type":"subscribe","subscriptions":[{"name":"l2","symbols":["BTCUSD"]}]}',
    ),
    Stream.MARKET_DATA_V1: ("/v1/multimarketdata?symbols=BTCUSD", ""),
    Stream.WEBSOCKET_API: ("/?snapshot=-1", '{"id":"1","method":"subscribe","params":["btcusd@depth"]}'),
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("stream", SUBSCRIPTIONS)
async def test_every_stream_has_its_faults(world: World, stream: Stream) -> None:
    faults = world.running.exchange.faults
    faults.clear()
    faults.arm(plan(f'[[fault]]\nkind = "cut_stream"\nstream = "{stream}"'))
    path, subscription = SUBSCRIPTIONS[stream]
    async with connect(world.running.ws_url + path, proxy=None) as socket:
        if subscription:
            await socket.send(subscription)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)


@pytest.mark.asyncio(loop_scope="module")
async def test_socket_can_be_refused_and_cut_before_it_opens(world: World) -> None:
    faults = world.running.exchange.faults
    for kind, status in (("maintenance", 503), ("rate_limit_storm", 429), ("cut_before", 403)):
        faults.clear()
        queued = "\nqueued = 0" if kind == "rate_limit_storm" else ""
        faults.arm(plan(f'[[fault]]\nkind = "{kind}"\npath = "/v2/marketdata"{queued}'))
        with pytest.raises(InvalidStatus) as refusal:
            await connect(world.running.ws_url + "/v2/marketdata", proxy=None)
        assert refusal.value.response.status_code == status
    faults.clear()


@pytest.mark.asyncio(loop_scope="module")
async def test_every_documented_reason_can_be_had_on_demand(world: World) -> None:
    for reason, statuses in REASONS.items():
        world.running.exchange.faults.clear()
        world.running.exchange.faults.arm(plan(f'[[fault]]\nkind = "refuse"\nreason = "{reason}"\n'))
        assert await world.client.refused("/v1/order/new", **ORDER) == (statuses[0], reason)
    world.running.exchange.faults.clear()


def test_reason_that_the_venue_does_not_have_refused() -> None:
    with pytest.raises(BadInputError, match="reason must be one of the venue's"):
        plan('[[fault]]\nkind = "refuse"\nreason = "Whim"\n')
