import pytest

from tests.venues_paper.signed import ORDER, Client

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEW = "/v1/order/new"
STOP = {"type": "exchange stop limit"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        *[({name: None}, "MissingOrderField") for name in ORDER],
        ({"symbol": "nopeusd"}, "InvalidSymbol"),
        ({"symbol": "btcusd "}, "InvalidSymbol"),
        ({"symbol": "btcuſd"}, "InvalidSymbol"),
        ({"symbol": 7}, "InvalidSymbol"),
        ({"symbol": ["btcusd"]}, "InvalidSymbol"),
        ({"side": "long"}, "InvalidSide"),
        ({"side": "ſell"}, "InvalidSide"),
        ({"side": {}}, "InvalidSide"),
        ({"type": "exchange market"}, "InvalidOrderType"),
        ({"type": "LIMIT"}, "InvalidOrderType"),
        ({"type": 1}, "InvalidOrderType"),
        *[
            ({"amount": amount}, "InvalidQuantity")
            for amount in (
                "0", "-1", "+1", "0.000000001", "0.000009", "NaN", "Infinity", "1e5", "1e400", "١", "１",
                "1_000", " 1", "1\n", "1.", ".5", "", "0x1", "1,5", "9" * 13, "1." + "0" * 20, "9" * 5000,
                1, 0.5, True, [],
            )
        ],
        *[
            ({"price": price}, "InvalidPrice")
            for price in ("0", "0.00", "60000.001", "NaN", "1e4", "-60000", "٦٠٠٠٠", 60000, {}, "9" * 5000)
        ],
        ({"options": "maker-or-cancel"}, "OptionsMustBeArray"),
        ({"options": {"a": 1}}, "OptionsMustBeArray"),
        ({"options": ["auction-only"]}, "UnsupportedOption"),
        ({"options": [["maker-or-cancel"]]}, "UnsupportedOption"),
        ({"options": [None]}, "UnsupportedOption"),
        ({"options": ["maker-or-cancel", "immediate-or-cancel"]}, "ConflictingOptions"),
        ({"client_order_id": 5}, "ClientOrderIdMustBeString"),
        ({"client_order_id": ["a"]}, "ClientOrderIdMustBeString"),
        ({"client_order_id": "x" * 101}, "ClientOrderIdTooLong"),
        ({"client_order_id": "a b"}, "InvalidParameterValue"),
        ({"client_order_id": "\u202e"}, "InvalidParameterValue"),
        ({"client_order_id": ""}, "InvalidParameterValue"),
        ({"margin_order": True}, "AccountNotOfTypeRequired"),
        ({"margin_order": "yes"}, "InvalidParameterValue"),
        ({"margin_order": 1}, "InvalidParameterValue"),
        ({"symbol": "ethgusdperp"}, "AccountNotOfTypeRequired"),
        ({"symbol": "gusdusd", "price": "1.00", "amount": "1"}, "MarketNotOpen"),
        ({"stop_price": "59000.00"}, "InvalidStopPrice"),
        ({**STOP}, "InvalidStopPrice"),
        ({**STOP, "stop_price": "NaN"}, "InvalidStopPrice"),
        ({**STOP, "stop_price": "59000.001"}, "InvalidStopPrice"),
        ({**STOP, "stop_price": "60000.00"}, "InvalidStopPrice"),
        ({**STOP, "stop_price": "60000.01"}, "InvalidStopPriceBuy"),
        ({**STOP, "stop_price": "59999.99", "side": "sell"}, "InvalidStopPriceSell"),
        ({**STOP, "stop_price": "39999.99"}, "InvalidStopPriceRatio"),
        ({**STOP, "stop_price": "59000.00", "options": ["maker-or-cancel"]}, "UnsupportedOption"),
    ],
)  # fmt: skip
async def test_faulty_order_is_refused_with_its_reason(
    shared_desk: Client, fields: dict, reason: str
) -> None:
    assert await shared_desk.refused(NEW, **{**ORDER, **fields}) == (400, reason)
    assert await shared_desk.post("/v1/orders") == []


async def test_order_beyond_the_balance_is_406(shared_desk: Client) -> None:
    assert await shared_desk.refused(NEW, **{**ORDER, "amount": "0.1661"}) == (406, "InsufficientFunds")
    assert await shared_desk.refused(NEW, **{**ORDER, "amount": "999999999999"}) == (406, "InsufficientFunds")
    assert await shared_desk.refused(NEW, **{**ORDER, "side": "sell"}) == (406, "InsufficientFunds")


async def test_upper_case_symbol_and_side_are_taken(shared_desk: Client) -> None:
    order = await shared_desk.order(symbol="BTCUSD", side="BUY")
    assert (order["symbol"], order["side"]) == ("btcusd", "buy")
    await shared_desk.post("/v1/order/cancel", order_id=order["order_id"])


async def test_fields_that_no_order_has_are_ignored(shared_desk: Client) -> None:
    order = await shared_desk.order(margin_order=False, flavour={"of": ["the", "day"]}, total_spend="1")
    assert order["is_live"] is True
    await shared_desk.post("/v1/order/cancel", order_id=order["order_id"], why="because")


async def test_error_text_follows_the_wire(shared_desk: Client) -> None:
    answer = await shared_desk.try_post(NEW, **{**ORDER, "amount": "0.000000001"})
    assert answer.json()["message"] == "Invalid quantity for symbol BTCUSD: 0.000000001"


@pytest.mark.parametrize(
    ("path", "fields", "status", "reason"),
    [
        ("/v1/order/cancel", {}, 400, "MissingOrderField"),
        ("/v1/order/cancel", {"order_id": "12"}, 404, "OrderNotFound"),
        ("/v1/order/cancel", {"order_id": "9" * 19}, 404, "OrderNotFound"),
        ("/v1/order/cancel", {"order_id": "9" * 20}, 400, "InvalidParameterValue"),
        ("/v1/order/cancel", {"order_id": "x"}, 400, "InvalidParameterValue"),
        ("/v1/order/cancel", {"order_id": -1}, 400, "InvalidParameterValue"),
        ("/v1/order/cancel", {"order_id": True}, 400, "InvalidParameterValue"),
        ("/v1/order/cancel", {"order_id": "١٢"}, 400, "InvalidParameterValue"),
        ("/v1/order/status", {}, 400, "InvalidParameterValue"),
        ("/v1/order/status", {"order_id": 1, "client_order_id": "a"}, 400, "InvalidParameterValue"),
        ("/v1/order/status", {"client_order_id": "never-seen"}, 404, "OrderNotFound"),
        ("/v1/order/status", {"client_order_id": 4}, 400, "ClientOrderIdMustBeString"),
        ("/v1/order/status", {"order_id": 1, "include_trades": "yes"}, 400, "InvalidParameterValue"),
        ("/v1/mytrades", {"symbol": "nope"}, 400, "InvalidSymbol"),
        ("/v1/mytrades", {"limit_trades": 501}, 400, "InvalidParameterValue"),
        ("/v1/mytrades", {"limit_trades": 0}, 400, "InvalidParameterValue"),
        ("/v1/mytrades", {"limit_trades": "many"}, 400, "InvalidParameterValue"),
        ("/v1/mytrades", {"timestamp": -62135596800}, 400, "InvalidTimestampInPayload"),
        ("/v1/mytrades", {"timestamp": "soon"}, 400, "InvalidTimestampInPayload"),
        ("/v1/mytrades", {"timestamp": 10**18}, 400, "InvalidTimestampInPayload"),
        ("/v1/notionalvolume", {"symbol": "nope"}, 400, "InvalidSymbol"),
    ],
)
async def test_other_faulty_calls_are_refused(
    shared_desk: Client, *, path: str, fields: dict, status: int, reason: str
) -> None:
    assert await shared_desk.refused(path, **fields) == (status, reason)


async def test_orders_of_other_accounts_do_not_exist(shared_desk: Client, shared_stranger: Client) -> None:
    order = await shared_desk.order(client_order_id="mine")
    for path in ("/v1/order/cancel", "/v1/order/status"):
        assert await shared_stranger.refused(path, order_id=order["order_id"]) == (404, "OrderNotFound")
    assert await shared_stranger.refused("/v1/order/status", client_order_id="mine") == (404, "OrderNotFound")
    assert (await shared_stranger.post("/v1/order/cancel/all"))["details"]["cancelledOrders"] == []
    assert (await shared_desk.post("/v1/order/cancel", order_id=order["order_id"]))["reason"] == "Requested"
