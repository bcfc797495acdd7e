"""Shapes of accounts, keys, tokens and staking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SHAPES: Final[Mapping[str, str]] = {
    "AccountDetail": "account*: AccountInfo, users*: [AccountUser], memo_reference_code*: text, "
    "virtual_account_number: text",
    "AccountInfo": "accountName*: text, shortName*: text, type*: text, created*: time",
    "AccountUser": "name*: text, lastSignIn*: text, status*: text, countryCode*: text, isVerified*: bool",
    "AccountCreated": "account*: text, type*: exchange/custody",
    "AccountRenamed": "name: text, account: text",
    # A custody account has no counterparty.
    "AccountInGroup": "name*: text, account*: text, type*: exchange/custody, counterparty_id*: text | null, "
    "created*: time, status*: text",
    "HeldRoles": "isAuditor*: bool, isFundManager*: bool, isTrader*: bool, counterparty_id: text, "
    "isAccountAdmin: bool",
    "Token": "access_token*: text, refresh_token*: text, token_type*: 'Bearer', scope*: text, "
    "expires_in*: int",
    "Staked": "transactionId*: text, providerId*: uuid, currency*: currency, amount*: number, "
    "accrualTotal: number, rates: StakedRate",
    "StakedRate": "rate*: number",
    "Unstaked": "transactionId*: text, providerId: uuid, currency*: currency, amount*: number, "
    "amountPaidSoFar*: number, amountRemaining*: number, requestInitiated*: instant",
    "StakingHistory": "providerId*: uuid, transactions*: [StakingTransaction]",
    "StakingTransaction": "transactionId*: text, "
    "transactionType*: Deposit/Redeem/Interest/RedeemPayment/AdminRedeem/AdminCreditAdjustment/"
    "AdminDebitAdjustment, amountCurrency*: currency, amount*: number, priceCurrency: currency, "
    "priceAmount: number, dateTime*: int",
    "StakingRewards": "providerId*: uuid, currency*: currency, accrualTotal*: number, "
    "ratePeriods*: [StakingRewardPeriod]",
    "StakingRewardPeriod": "providerId*: uuid, currency*: currency, apyPct*: number, ratePct*: number, "
    "numberOfAccruals*: int, accrualTotal*: number, firstAccrualAt*: instant, lastAccrualAt*: instant",
}
"""Field lists by shape name."""
