"""What each of the venue's reasons means for us: the table of contract and synonyms, total by status.

Source: the error pages of docs.gemini.com and developer.gemini.com, read 2026-09; the synonyms are constants
of the venue's own libraries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Means(StrEnum):
    """What an error answer says about the call."""

    REFUSED = "refused"  # a plain no: nothing happened, and nothing will when it is asked again
    SIGN_ANEW = "sign_anew"  # a plain no to the nonce: nothing happened; with a new one it may work
    TOO_FAST = "too_fast"  # a plain no to the rate: nothing happened; later it may work
    TROUBLE = "trouble"  # the venue is not itself: a read may be asked again, anything else is in doubt
    IN_DOUBT = "in_doubt"  # the answer speaks of an earlier request whose fate must be looked up


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A reason's meaning and what a person can do about it."""

    means: Means
    cure: str

    @property
    def is_retryable(self) -> bool:
        """Say whether a repeatable call may be tried again."""
        return self.means in {Means.SIGN_ANEW, Means.TOO_FAST, Means.TROUBLE}


_NONCE: Final = (
    "If it says 30 seconds, the key is one with time-based nonces: set the clock right and enter the key as "
    "such, or make a key without them; otherwise make sure that nothing else uses this key."
)
_FAULT: Final = "This is a fault of this program: keep the journal and report it."
_ACCOUNT: Final = "Check the account's name and kind at the exchange, and whether the key may act on it."
_CLOSED: Final = "Wait until the market is open."
_KEY: Final = "Enter the key again, and check that it was made for this mode's exchange."
_FIELD: Final = "Check the fields against the exchange's page on this call."
_LEGACY: Final = "The exchange holds no auctions any more; leave this out."
_MOVED: Final = "The exchange has moved this call; redirects are never followed."
_WAIT: Final = "Too many requests; wait a little."
_TROUBLE: Final = "The exchange is in trouble; wait and look at its status page."

_REFUSED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "The account is closed; ask the exchange.": ("AccountClosed",),
        "The account's limit is reached; ask the exchange to raise it.": ("AccountLimitExceeded",),
        _ACCOUNT: (
            "AccountNotOfTypeRequired",
            "BadAccountType",
            "NoAccountOfTypeRequired",
            "InvalidAccountName",
            "InvalidAccountType",
            "MoreThanOneAccount",
            "NotGroupApiCompatible",
        ),
        "Leave the account out, or use a master key.": ("AccountsOnGroupOnlyApi",),
        "Name the account: a master key acts on one account at a time.": (
            "MissingAccountName",
            "MissingAccounts",
        ),
        "Choose another name for the account.": ("ConflictingAccountName",),
        "Give the account a name.": ("MissingName",),
        "No more accounts can be opened in this group.": ("ExceededMaxAccountsInGroup",),
        "Accept the exchange's terms on its web site first.": (
            "HasNotAgreedToCustodyTerms",
            "MustAcceptTerms",
        ),
        "Use either a key or a token, not both.": ("AmbiguousAuthentication",),
        "Add this machine's address to the API key's trusted addresses.": (
            "ApiKeyIpFilteringFailure",
            "RemoteAddressForbidden",
        ),
        _LEGACY: ("AuctionNotOpen", "IneligibleTiming"),
        "Use 1 to 36 letters, digits and : - _ . # as the order's own id.": (
            "ClientOrderIdMustBeString",
            "ClientOrderIdTooLong",
        ),
        "Give at most one option, one that the exchange knows.": (
            "ConflictingOptions",
            "OptionsMustBeArray",
            "UnsupportedOption",
        ),
        "Approve the address on the exchange's web site first.": ("CryptoAddressWhitelistsNotEnabled",),
        "This environment has no such call; the sandbox moves no real coins.": (
            "EndpointUnavailableInThisEnvironment",
        ),
        _FAULT: (
            "EndpointMismatch",
            "EndpointNotFound",
            "InvalidJson",
            "MissingNonce",
            "MissingOrderField",
            "MissingPayloadHeader",
            "MissingPayloadKey",
            "NoSSL",
            "GTSTradeIDMustBeString",
        ),
        _FIELD: ("InvalidParameterValue", "InvalidTimestampInPayload", "InvalidFundTransfer", "Bad Request"),
        "Lower the amount, or cancel orders that hold funds.": ("InsufficientFunds",),
        _KEY: ("InvalidApiKey", "MissingApikeyHeader", "MissingSecurityHeaders"),
        "Enter key and secret again; the secret does not belong to the key.": (
            "InvalidSignature",
            "MissingSignatureHeader",
        ),
        "Only limit and stop-limit orders exist here; use immediate-or-cancel.": ("InvalidOrderType",),
        "Use a multiple of the price tick.": ("InvalidPrice",),
        "Use a multiple of the amount step, at least the minimum.": ("InvalidQuantity",),
        "Use buy or sell.": ("InvalidSide",),
        "A buy's stop price is below its limit price, a sale's above it.": (
            "InvalidStopPrice",
            "InvalidStopPriceBuy",
            "InvalidStopPriceSell",
        ),
        "Bring stop and limit price within 50 % of each other.": ("InvalidStopPriceRatio",),
        "Use a symbol from the exchange's list.": ("InvalidSymbol", "NoValidTradingPairs"),
        _CLOSED: ("MarketNotOpen", "MarketClosed", "TradingClosed"),
        "Give the API key the role that the message names.": ("MissingRole",),
        "The exchange knows no such order; look at the open orders.": ("OrderNotFound", "NoSuchOrder"),
        "Use a network that the exchange supports.": ("UnsupportedNetwork",),
    }
)

_REST: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "InvalidNonce": Meaning(means=Means.SIGN_ANEW, cure=_NONCE),
        "GenericNonceError": Meaning(means=Means.SIGN_ANEW, cure=_NONCE),
        "RateLimit": Meaning(means=Means.TOO_FAST, cure=_WAIT),
        "Too Many Requests": Meaning(means=Means.TOO_FAST, cure=_WAIT),
        "UsageLimit": Meaning(means=Means.TOO_FAST, cure=_WAIT),
        "Maintenance": Meaning(means=Means.TROUBLE, cure="The exchange is under maintenance; wait."),
        "System": Meaning(means=Means.TROUBLE, cure=_TROUBLE),
        "Internal Server Error": Meaning(means=Means.TROUBLE, cure=_TROUBLE),
        "DuplicateOrder": Meaning(means=Means.IN_DOUBT, cure="Look the order up by its own id."),
    }
)

REASONS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        reason: Meaning(means=Means.REFUSED, cure=cure)
        for cure, reasons in _REFUSED.items()
        for reason in reasons
    }
    | dict(_REST)
)
"""Every reason that the venue is known to give."""

KEY_REFUSED: Final = frozenset(
    {
        "AmbiguousAuthentication",
        "ApiKeyIpFilteringFailure",
        "GenericNonceError",
        "InvalidApiKey",
        "InvalidNonce",
        "InvalidSignature",
        "MissingApikeyHeader",
        "MissingNonce",
        "MissingPayloadHeader",
        "MissingSecurityHeaders",
        "MissingSignatureHeader",
        "RemoteAddressForbidden",
    }
)
"""Reasons after which the venue does not know that the session lives."""


def meaning(reason: str, status: int) -> Meaning:
    """Return what `reason` with `status` means. The status wins where it says more than the reason.

    `reason` is empty for an answer that is not one of the venue's error objects.
    """
    if status == 429:
        return _REST["RateLimit"]
    known = REASONS.get(reason)
    if status >= 500 or status == 408:
        is_told = known is not None and known.means is Means.TROUBLE
        return known if known is not None and is_told else _REST["System"]
    if known is not None:
        return known
    if 300 <= status < 400:
        return Meaning(
            means=Means.REFUSED, cure="The exchange has moved this call; redirects are never followed."
        )
    if 400 <= status < 500:
        return Meaning(means=Means.REFUSED, cure=_FIELD if reason else _TROUBLE)
    # A good status with something unreadable, or an error object of a kind that nobody has seen.
    return Meaning(means=Means.REFUSED, cure=_FIELD) if reason else _REST["System"]
