"""Accounts, orders and books: the matching engine and its rules, without clock, wire or file."""
