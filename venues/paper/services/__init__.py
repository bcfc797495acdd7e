"""What an account may do beside trading: addresses, withdrawals, banks, staking, clearing, margin, reports.

One module an area. Each keeps what it must remember in the exchange's documents and moves balances itself.
"""
