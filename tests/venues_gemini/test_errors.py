"""Every reason, status and lower error has one meaning, and it is the right one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from domain.clock import ManualClock
from domain.errors import (
    OutcomeUnknownError,
    UnreachableError,
    VenueError,
    VenueRejectedError,
    VenueRetryableError,
)
from tests.venues_gemini.connected import no_secret_in, on
from tests.venues_gemini.fault_server import Act, error, running
from tests.venues_gemini.samples import KEY, START
from venues.gemini import errors
from venues.gemini.catalogue import TABLE, Money
from venues.gemini.reasons import REASONS, Means, meaning
from venues.gemini.transport import Flight, Mishap, NoReplyError, Reply, Transport

ORDER, CANCEL, READ = TABLE["order_new"], TABLE["order_cancel"], TABLE["orders"]
WITHDRAWAL, NEW_ACCOUNT = TABLE["withdraw"], TABLE["account_create"]

# As the contract lists them, with the statuses it gives.
LISTED = """
AccountClosed 400, AccountLimitExceeded 400, AccountNotOfTypeRequired 400, AccountsOnGroupOnlyApi 400,
AmbiguousAuthentication 400, ApiKeyIpFilteringFailure 403, AuctionNotOpen 400, IneligibleTiming 400,
BadAccountType 400, ClientOrderIdMustBeString 400, ClientOrderIdTooLong 400, ConflictingAccountName 400,
ConflictingOptions 400, CryptoAddressWhitelistsNotEnabled 400, EndpointMismatch 400, EndpointNotFound 404,
EndpointUnavailableInThisEnvironment 400, ExceededMaxAccountsInGroup 400, GTSTradeIDMustBeString 400,
HasNotAgreedToCustodyTerms 400, InsufficientFunds 406, InvalidAccountName 400, InvalidAccountType 400,
InvalidApiKey 400, InvalidFundTransfer 400, InvalidJson 400, InvalidNonce 400, InvalidOrderType 400,
InvalidParameterValue 400, InvalidPrice 400, InvalidQuantity 400, InvalidSide 400, InvalidSignature 400,
InvalidStopPrice 400, InvalidStopPriceBuy 400, InvalidStopPriceSell 400, InvalidStopPriceRatio 400,
InvalidSymbol 400, InvalidTimestampInPayload 400, Maintenance 503, MarketNotOpen 400, MissingAccountName 400,
MissingAccounts 400, MissingApikeyHeader 401, MissingName 400, MissingNonce 400, MissingOrderField 400,
MissingPayloadHeader 400, MissingPayloadKey 400, MissingSignatureHeader 400, MissingRole 403,
MoreThanOneAccount 400, NoAccountOfTypeRequired 400, NoSSL 400, NotGroupApiCompatible 400,
OptionsMustBeArray 400, OrderNotFound 404, RateLimit 429, RemoteAddressForbidden 403, System 500,
UnsupportedNetwork 404, UnsupportedOption 400, NoValidTradingPairs 400,
GenericNonceError 400, UsageLimit 429, NoSuchOrder 404, MarketClosed 400, TradingClosed 400,
MustAcceptTerms 400, MissingSecurityHeaders 401, Bad-Request 400, Too-Many-Requests 429,
Internal-Server-Error 500, DuplicateOrder 400
"""
STATUSES = {
    name.replace("-", " "): int(status) for name, status in (row.split() for row in LISTED.strip().split(","))
}
WAITS = {"InvalidNonce", "GenericNonceError", "RateLimit", "Too Many Requests", "UsageLimit"}
TROUBLE = {"Maintenance", "System", "Internal Server Error"}


def reply(status: int, reason: str = "", message: str = "no") -> Reply:
    body = b'{"result":"error","reason":"%s","message":"%s"}' % (reason.encode(), message.encode())
    return Reply(status=status, body=body if reason else b"", retry_after_s=None)


def test_reasons_table_is_the_contracts_list() -> None:
    assert set(REASONS) == set(STATUSES)
    assert all(re.search(r"\w{3}.*\.$", found.cure) for found in REASONS.values())
    assert {name for name, found in REASONS.items() if found.is_retryable} == WAITS | TROUBLE


@pytest.mark.parametrize("reason", STATUSES)
def test_reason_of_an_order_refused_unless_in_doubt_and_never_retried(reason: str) -> None:
    found = errors.of_reply(ORDER, reply(STATUSES[reason], reason))
    is_in_doubt = reason in TROUBLE | {"DuplicateOrder"}
    assert type(found) is (OutcomeUnknownError if is_in_doubt else VenueRejectedError)
    assert found.reason == reason
    assert found.cure


@pytest.mark.parametrize("reason", STATUSES)
def test_reason_of_a_read_tried_again_only_where_that_may_help(reason: str) -> None:
    found = errors.of_reply(READ, reply(STATUSES[reason], reason))
    assert errors.is_retryable(found) is (reason in WAITS | TROUBLE)
    assert isinstance(found, VenueRetryableError) is (reason in TROUBLE or STATUSES[reason] == 429)


def test_reason_nobody_knows_judged_by_its_status() -> None:
    for status in range(300, 600):
        judge_unknown(status)


def judge_unknown(status: int) -> None:
    read, order = (errors.of_reply(call, reply(status, "BrandNew")) for call in (READ, ORDER))
    if status == 429:
        assert (type(read), type(order)) == (VenueRetryableError, VenueRejectedError)
    elif status >= 500 or status == 408:
        assert (type(read), type(order)) == (VenueRetryableError, OutcomeUnknownError)
    else:
        assert (type(read), type(order)) == (VenueRejectedError, VenueRejectedError)
    wordless = errors.of_reply(ORDER, reply(status))
    assert type(wordless) is (VenueRejectedError if status == 429 else OutcomeUnknownError)


def test_status_wins_over_a_milder_reason() -> None:
    assert meaning("InvalidPrice", 429).means is Means.TOO_FAST
    assert meaning("InvalidPrice", 500).means is Means.TROUBLE
    assert meaning("Maintenance", 500).cure == REASONS["Maintenance"].cure
    assert meaning("Maintenance", 400).means is Means.TROUBLE


@pytest.mark.parametrize("call", [WITHDRAWAL, NEW_ACCOUNT], ids=lambda call: call.name)
def test_doubt_about_what_is_not_to_be_repeated_is_unknown(call: Any) -> None:
    for found in (
        errors.of_reply(call, reply(502)),
        errors.of_fault(call, NoReplyError(Mishap.CUT, may_have_left=True)),
        errors.unreadable(call, 200),
    ):
        assert type(found) is OutcomeUnknownError
        assert "before you have seen" in found.cure


BODIES = {
    "message alone": b'{"errorMessage":"Network not supported"}',
    "error without a reason": b'{"result":"error"}',
    "reason of another kind": b'{"result":"error","reason":7}',
    "empty": b"",
    "cut": b'{"result":"err',
    "page": b"<html>no</html>",
    "nested without end": b'{"result":' + b"[" * 200_000,
    "nested beside": b'{"x":' + b"[" * 200_000,
    "not text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("name", BODIES)
async def test_body_of_any_kind_is_one_error_of_ours(name: str) -> None:
    async with running(always=Act(status=400, body=BODIES[name])) as server, on(server) as (client, _):
        with pytest.raises(VenueRejectedError) as caught:
            await client.open_orders()
        with pytest.raises(OutcomeUnknownError):
            await client.cancel("1")
    no_secret_in(caught.value)
    async with running(always=Act(body=BODIES[name])) as server, on(server) as (client, _):
        with pytest.raises(VenueError):
            await client.open_orders()
        with pytest.raises(OutcomeUnknownError):
            await client.cancel("1")


async def test_message_alone_is_shown() -> None:
    act = Act(status=400, body=BODIES["message alone"])
    async with running(always=act) as server, on(server) as (client, _):
        with pytest.raises(VenueRejectedError, match="Network not supported"):
            await client.ticker("btcusd")


@pytest.mark.parametrize("reason", STATUSES)
async def test_error_that_repeats_our_key_blanks_it(reason: str) -> None:
    act = error(STATUSES[reason], reason, f"key {KEY} and again {KEY}")
    async with running(always=act) as server, on(server) as (client, _):
        with pytest.raises(VenueError) as caught:
            await client.roles()
    no_secret_in(caught.value)


def tree(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__.startswith("httpx"):
            yield from tree(below)


HTTPX = sorted(
    {
        found
        for name in httpx.__all__
        if isinstance(kind := getattr(httpx, name), type) and issubclass(kind, Exception)
        for found in tree(kind)
    },
    key=lambda kind: kind.__name__,
)


def made(kind: type[BaseException]) -> BaseException:
    if kind is httpx.HTTPStatusError:
        return httpx.HTTPStatusError(
            "x", request=httpx.Request("GET", "http://x"), response=httpx.Response(500)
        )
    try:
        return kind("x")
    except TypeError:
        return kind()


class Failing(httpx.AsyncBaseTransport):
    """Raises `error`, before or after the bytes have begun to leave."""

    def __init__(self, error: BaseException, *, has_left: bool) -> None:
        self.error = error
        self.has_left = has_left

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.has_left:
            await request.extensions["trace"]("http11.send_request_headers.started", {})
        raise self.error


@pytest.mark.parametrize("kind", HTTPX, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("has_left", [False, True])
async def test_lower_error_every_one_of_the_library_is_mapped(
    kind: type[BaseException], has_left: bool
) -> None:
    async with running() as server:
        transport = Transport(server.endpoint, ManualClock(START))
        transport._client._transport._inner = Failing(made(kind), has_left=has_left)
        with pytest.raises(NoReplyError) as caught:
            await transport.send("POST", "/v1/orders", flight=Flight(), within_s=1)
        await transport.close()
    wanted = Mishap.TIMEOUT if issubclass(kind, httpx.TimeoutException) else None
    assert caught.value.mishap is (wanted or (Mishap.CUT if has_left else Mishap.UNREACHABLE))
    assert caught.value.may_have_left is has_left
    for call in (ORDER, READ, CANCEL):
        found = errors.of_fault(call, caught.value)
        if call.money is Money.READS:
            assert type(found) is (VenueRetryableError if has_left else UnreachableError)
        elif has_left:
            assert type(found) is OutcomeUnknownError
        else:
            assert type(found) is (UnreachableError if call.is_repeatable else VenueRejectedError)


def test_lower_errors_list_is_the_whole_tree() -> None:
    assert len(HTTPX) >= 28
    assert httpx.RemoteProtocolError in HTTPX
    assert httpx.StreamClosed in HTTPX


async def test_client_closed_nothing_is_sent() -> None:
    async with running() as server, on(server) as (client, _):
        await client.close()
        with pytest.raises(UnreachableError, match="closed"):
            await client.symbols()
        assert not server.requests
