"""Whatever stands in an order's payload, the answer is an order or a documented refusal."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.money import is_multiple
from tests.venues_paper.signed import ORDER
from venues.paper.matching.listings import KNOWN_INSTRUMENTS
from venues.paper.matching.order_checks import check_order
from venues.paper.matching.refusals import RefusedError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NEAR_MISSES = st.sampled_from(
    ["btcusd", "BTCUSD", "buy", "sell", "exchange limit", "exchange stop limit", "1", "0.5", "60000.00",
     "1e3", "-1", ["maker-or-cancel"], ["fill-or-kill", "fill-or-kill"], "٣", "NaN"]
)  # fmt: skip
FIELDS = [*ORDER, "options", "stop_price", "client_order_id", "margin_order"]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), NEAR_MISSES | JSON, max_size=4))
def test_any_payload_is_an_order_on_the_grid_or_a_refusal(changes: dict[str, object]) -> None:
    with suppress(RefusedError):
        request = check_order({**ORDER, **changes}, KNOWN_INSTRUMENTS)
        instrument = KNOWN_INSTRUMENTS[request.symbol]
        assert request.amount >= instrument.min_amount
        assert is_multiple(request.amount, instrument.amount_step)
        assert is_multiple(request.price, instrument.price_tick)
        assert request.price > 0
