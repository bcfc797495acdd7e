"""Balances, addresses, transfers, withdrawals, banks.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.kinds import RateClass
from venues.gemini.catalogue.rows import private

_ADDRESSES, _TRANSFERS = RateClass.ADDRESSES, RateClass.TRANSFERS

ROWS: Final = (
    private("balances", "/v1/balances", roles="T/FM/A", scope="balances:read"),
    # Before the row with a placeholder: the first match wins.
    private("staking_balances", "/v1/balances/staking", roles="T/FM/A", scope="balances:read", tier=2),
    private("notional_balances", "/v1/notionalbalances/{currency}", roles="T/FM/A", scope="balances:read"),
    private(
        "addresses",
        "/v1/addresses/{network}",
        roles="T/FM/A",
        scope="addresses:read",
        tier=2,
        rate=_ADDRESSES,
    ),
    private(
        "new_address",
        "/v1/deposit/{network}/newAddress",
        roles="FM",
        scope="addresses:create",
        money="w",
        tier=2,
        rate=_ADDRESSES,
    ),
    private("transfers", "/v2/transfers", roles="T/FM/A", scope="history:read", rate=_TRANSFERS),
    private("transfers_v1", "/v1/transfers", roles="T/FM/A", scope="history:read", rate=_TRANSFERS),
    private(
        "custody_fees",
        "/v1/custodyaccountfees",
        roles="T/FM/A",
        scope="history:read",
        tier=2,
        rate=_TRANSFERS,
    ),
    private(
        "withdraw_fee",
        "/v2/withdraw/{network}/{ticker}/feeEstimate",
        roles="any",
        scope="crypto:send",
        tier=2,
    ),
    private(
        "withdraw_fee_v1", "/v1/withdraw/{currency}/feeEstimate", roles="any", scope="crypto:send", tier=2
    ),
    private(
        "withdraw", "/v2/withdraw/{network}/{ticker}", roles="FM", scope="crypto:send", money="$$", tier=2
    ),
    private("withdraw_v1", "/v1/withdraw/{currency}", roles="FM", scope="crypto:send", money="$$", tier=2),
    private("add_bank", "/v1/payments/addbank", roles="FM", scope="banks:create", money="$$", tier=2),
    private("add_bank_cad", "/v1/payments/addbank/cad", roles="FM", scope="banks:create", money="$$", tier=2),
    private("payment_methods", "/v1/payments/methods", roles="any", scope="banks:read", tier=2),
    private(
        "approved_addresses",
        "/v1/approvedAddresses/account/{network}",
        roles="any",
        scope="addresses:read",
        tier=2,
    ),
    private(
        "approve_address",
        "/v1/approvedAddresses/{network}/request",
        roles="FM",
        scope="addresses:create",
        money="$$",
        tier=2,
    ),
    private(
        "remove_address",
        "/v1/approvedAddresses/{network}/remove",
        roles="FM",
        scope="addresses:create",
        money="w",
        tier=2,
    ),
    private("account_transfer", "/v1/account/transfer/{currency}", roles="m:FM", money="$$"),
    private("transactions", "/v1/transactions", roles="m:any", scope="history:read"),
)
