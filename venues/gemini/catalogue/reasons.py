"""Why the venue refuses: each documented `reason` with the HTTP statuses it comes with.

Source: developer.gemini.com error codes and the venue's own OpenAPI file, read 2026-09. What only clients
name, and no page does, is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_400: Final = """
AccountClosed AccountLimitExceeded AccountNotOfTypeRequired AccountsOnGroupOnlyApi AmbiguousAuthentication
AuctionNotOpen BadAccountType ClientOrderIdMustBeString ClientOrderIdTooLong ConflictingAccountName
ConflictingOptions CryptoAddressWhitelistsNotEnabled EndpointMismatch EndpointUnavailableInThisEnvironment
ExceededMaxAccountsInGroup GTSTradeIDMustBeString HasNotAgreedToCustodyTerms IneligibleTiming
InvalidAccountName InvalidAccountType InvalidFundTransfer InvalidJson InvalidNonce
InvalidOrderType InvalidParameterValue InvalidPrice InvalidQuantity InvalidSide InvalidSignature
InvalidStopPrice InvalidStopPriceBuy InvalidStopPriceSell InvalidStopPriceRatio InvalidSymbol
InvalidTimestampInPayload MarketNotOpen MissingAccountName MissingAccounts MissingName MissingNonce
MissingOrderField MissingPayloadHeader MissingPayloadKey MissingSignatureHeader MoreThanOneAccount
NoAccountOfTypeRequired NoSSL NotGroupApiCompatible OptionsMustBeArray UnsupportedOption
"""

REASONS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    dict.fromkeys(_400.split(), (400,))
    | {
        # An unknown symbol in a public path is one of these; a body that cannot be read is another.
        "Bad Request": (400, 408, 413),
        # Of the stream socket; REST leaves it to the client to keep its ids apart.
        "DuplicateOrder": (400,),
        # 401 is for a token, as its standard has it.
        "InvalidApiKey": (400, 401),
        # Older pages say 400.
        "MissingApikeyHeader": (401,),
        "MissingRole": (403,),
        "ApiKeyIpFilteringFailure": (403,),
        "RemoteAddressForbidden": (403,),
        "EndpointNotFound": (404,),
        "OrderNotFound": (404,),
        "UnsupportedNetwork": (404,),
        # A test of the venue's own client says 400.
        "InsufficientFunds": (406,),
        "RateLimit": (429,),
        "System": (500,),
        "Internal Server Error": (500, 502),
        "Maintenance": (503,),
    }
)
"""HTTP statuses by reason. On the market data socket there is `NoValidTradingPairs` besides."""
