"""Balances, addresses, transfers, withdrawals, banks.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.kinds import RateClass
from venues.gemini.catalogue.rows import private

_ADDRESSES, _TRANSFERS = RateClass.ADDRESSES, RateClass.TRANSFERS
_HOLDERS: Final = "T/FM/A"
_TRANSFER_FILTER: Final = (
    "currency: currency, network: network, timestamp: time, limit_transfers: int, "
    "show_completed_deposit_advances: bool"
)
_WITHDRAWAL: Final = "address*: text, amount*: decimal, memo: text, clientTransferId: uuid"
_PAGED: Final = "With a timestamp the oldest records from it are returned, newest first."
_FEE_SCOPE: Final = "The venue names no scope for it; that of withdrawals is asked for."

ROWS: Final = (
    private(
        "balances",
        "/v1/balances",
        roles=_HOLDERS,
        scope="balances:read",
        request="showPendingBalances: bool",
        answer="[Balance]",
        sim="An account is named by a group's key only.",
    ),
    # Before the row with a placeholder: the first match wins.
    private(
        "staking_balances",
        "/v1/balances/staking",
        roles=_HOLDERS,
        scope="balances:read",
        answer="[StakingBalance]",
        tier=2,
        sim="Field names are those of the venue's OpenAPI file; none was recorded.",
    ),
    private(
        "notional_balances",
        "/v1/notionalbalances/{currency}",
        roles=_HOLDERS,
        scope="balances:read",
        answer="[NotionalBalance]",
    ),
    private(
        "addresses",
        "/v1/addresses/{network}",
        roles=_HOLDERS,
        scope="addresses:read/addresses:create",
        request="timestamp: time",
        answer="[DepositAddress]",
        tier=2,
        rate=_ADDRESSES,
        sim="Each account has one from the start; they are play addresses; a currency stands for "
        "its main network.",
    ),
    private(
        "new_address",
        "/v1/deposit/{network}/newAddress",
        roles="FM",
        scope="addresses:create",
        money="w",
        is_repeatable=False,
        request="label: text, legacy: bool",
        answer="NewAddress",
        tier=2,
        rate=_ADDRESSES,
        sim="Play addresses, never real ones; a currency stands for its main network, as ccxt sends it.",
    ),
    private(
        "transfers",
        "/v2/transfers",
        roles=_HOLDERS,
        scope="history:read",
        request=_TRANSFER_FILTER,
        answer="[Transfer]",
        rate=_TRANSFERS,
        sim=_PAGED,
    ),
    private(
        "transfers_v1",
        "/v1/transfers",
        roles=_HOLDERS,
        scope="history:read",
        request=_TRANSFER_FILTER,
        answer="[Transfer]",
        rate=_TRANSFERS,
        sim="Served as the second version is, which the venue retires it for. " + _PAGED,
    ),
    private(
        "custody_fees",
        "/v1/custodyaccountfees",
        roles=_HOLDERS,
        scope="history:read",
        request="timestamp: time, limit_transfers: int",
        answer="[CustodyFee]",
        tier=2,
        rate=_TRANSFERS,
        sim="Only a custody account is charged: the network's fee of each of its withdrawals.",
    ),
    private(
        "withdraw_fee",
        "/v2/withdraw/{network}/{ticker}/feeEstimate",
        roles="any",
        scope="crypto:send",
        request="address*: text, amount*: decimal",
        answer="FeeEstimate",
        tier=2,
        sim=_FEE_SCOPE + " Ten withdrawals a calendar month are free, but for a custody account.",
    ),
    private(
        "withdraw_fee_v1",
        "/v1/withdraw/{currency}/feeEstimate",
        roles="any",
        scope="crypto:send",
        request="address*: text, amount*: decimal",
        answer="FeeEstimate",
        tier=2,
        sim=_FEE_SCOPE + " Ten withdrawals a calendar month are free, but for a custody account.",
    ),
    private(
        "withdraw",
        "/v2/withdraw/{network}/{ticker}",
        roles="FM",
        scope="crypto:send",
        money="$$",
        request=_WITHDRAWAL,
        answer="Withdrawal",
        tier=2,
        sim="Confirmed after a minute; arrives where the address is one of this exchange; an address that "
        "is not approved or still held is InvalidFundTransfer.",
    ),
    private(
        "withdraw_v1",
        "/v1/withdraw/{currency}",
        roles="FM",
        scope="crypto:send",
        money="$$",
        request=_WITHDRAWAL,
        answer="WithdrawalV1",
        tier=2,
        sim="As the second version, over the currency's main network.",
    ),
    # What opens a way out counts as moving money, though the call itself moves none.
    private(
        "add_bank",
        "/v1/payments/addbank",
        roles="FM",
        scope="banks:create",
        money="$$",
        request="accountnumber*: text, routing*: text, type*: checking/savings, name*: text",
        answer="BankAdded",
        tier=2,
        sim="Linked at once, without the wire that the venue waits for; the same account twice is one bank.",
    ),
    private(
        "add_bank_cad",
        "/v1/payments/addbank/cad",
        roles="FM",
        scope="banks:create",
        money="$$",
        request="swiftcode*: text, accountNumber*: text, type*: checking/savings, name*: text, "
        "institutionnumber: text, branchnumber: text",
        answer="CadBankAdded",
        tier=2,
        sim="How the venue spells the institution and branch numbers is not known."
        " Linked at once; the same account twice is one bank.",
    ),
    private(
        "payment_methods",
        "/v1/payments/methods",
        roles="any",
        scope="banks:read",
        answer="PaymentMethods",
        tier=2,
    ),
    private(
        "approved_addresses",
        "/v1/approvedAddresses/account/{network}",
        roles="any",
        scope="addresses:read",
        answer="ApprovedAddresses",
        tier=2,
        sim="The account's and its group's; pending-mua does not occur.",
    ),
    private(
        "approve_address",
        "/v1/approvedAddresses/{network}/request",
        roles="FM",
        scope="addresses:create",
        money="$$",
        request="address*: text, label*: text, memo: text",
        answer="Message",
        tier=2,
        sim="Needs no trusted addresses; asking again does not start the seven days anew.",
    ),
    private(
        "remove_address",
        "/v1/approvedAddresses/{network}/remove",
        roles="FM",
        scope="addresses:create",
        money="w",
        request="address*: text",
        answer="Message",
        tier=2,
        sim="An address that is not listed is InvalidParameterValue.",
    ),
    private(
        "account_transfer",
        "/v1/account/transfer/{currency}",
        roles="m:FM",
        money="$$",
        request="sourceAccount*: text, targetAccount*: text, amount*: decimal, clientTransferId: uuid",
        answer="AccountTransfer",
        sim="Free and at once; a repeated clientTransferId is answered as before, with other fields it is "
        "InvalidFundTransfer.",
    ),
    private(
        "transactions",
        "/v1/transactions",
        roles="m:any",
        scope="history:read",
        request="timestamp_nanos: int, continuation_token: text, limit: int",
        answer="Transactions",
        sim="Oldest first; clearing and staking are not among them.",
    ),
)
