"""Shapes of balances, addresses, transfers, withdrawals and banks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SHAPES: Final[Mapping[str, str]] = {
    "Balance": "type*: 'exchange', currency*: currency, amount*: decimal, available*: decimal, "
    "availableForWithdrawal*: decimal, pendingWithdrawal: decimal, pendingDeposit: decimal, "
    "_timestamp: instant",
    "NotionalBalance": "type: 'exchange', currency*: currency, amount*: decimal, amountNotional*: decimal, "
    "available*: decimal, availableNotional*: decimal, availableForWithdrawal*: decimal, "
    "availableForWithdrawalNotional*: decimal, pendingWithdrawal: decimal, pendingDeposit: decimal, "
    "_timestamp: instant",
    "StakingBalance": "type*: 'Staking', currency*: currency, balance*: number, available*: number, "
    "availableForWithdrawal*: number, balanceByProvider*: map(ProviderBalance)",
    "ProviderBalance": "balance*: number",
    "DepositAddress": "address*: text, timestamp*: time, label: text, memo: text, network*: network",
    "NewAddress": "address*: text, label: text, network*: network",
    "Transfer": "type*: Deposit/Withdrawal/Reward/AdminDebit/AdminCredit, "
    "status*: Complete/Pending/Advanced, timestampms*: int, eid*: int, currency*: currency, "
    "amount*: decimal, network: network, feeAmount: decimal, feeCurrency: currency, txHash: text, "
    "method: text, destination: text, withdrawalId: text, outputIdx: int, purpose: text",
    "CustodyFee": "txTime*: int, feeAmount*: decimal, feeCurrency*: currency, eid*: int, eventType*: text",
    # The first version writes the fee as text, the second as a number.
    "FeeEstimate": "currency*: currency, fee*: number | text, isOverride*: bool, monthlyLimit*: int, "
    "monthlyRemaining*: int",
    "Withdrawal": "withdrawalId*: text, address*: text, amount*: decimal, currency*: currency, fee*: decimal",
    "WithdrawalV1": "address*: text, amount*: decimal, withdrawalId: text, message: text, txHash: text, "
    "fee: decimal",
    "BankAdded": "referenceId*: text, result: text",
    "CadBankAdded": "result*: 'OK'",
    "PaymentMethods": "balances*: [Balance], banks*: [Bank]",
    "Bank": "bank*: text, bankId*: uuid",
    "ApprovedAddresses": "approvedAddresses*: [ApprovedAddress]",
    "ApprovedAddress": "network*: network, scope*: account/group, label*: text, "
    "status*: active/pending-time/pending-mua, createdAt*: digits | int, address*: text",
    "AccountTransfer": "fromAccount*: text, toAccount*: text, amount*: decimal, fee: decimal, "
    "currency*: text, uuid: uuid, withdrawalId: text, message: text, txHash: text",
    "Transactions": "results*: [TransactionTrade | TransactionTransfer], continuationToken: text",
    # client_order_id is an empty text where there is none.
    "TransactionTrade": "account*: text, amount*: decimal, clientOrderId*: text, price*: decimal, "
    "timestampms*: int, side*: text, isAggressor*: bool, feeAssetCode*: currency, feeAmount*: decimal, "
    "orderId*: int, exchange*: 'gemini', isAuctionFill*: bool, isClearingFill*: bool, symbol*: symbol, "
    "tid*: int, type: 'trade'",
    "TransactionTransfer": "timestampms*: int, eid*: int, currency*: currency, amount*: decimal, "
    "status*: text, source: text, destination: text, operationReason: text, method: text, "
    "correlationId: int, transferType: text, bankId: text, purpose: text, transactionHash: text, "
    "transferId: text, withdrawalId: text, clientTransferId: text, advanceEid: int, pendingEid: int, "
    "withdrawalEid: int, feeId: text, account: text, type: text",
}
"""Field lists by shape name."""
