"""The words of the trade: money, instruments, markets, orders, positions and fees.

Standard library only, synchronous, no input or output.
"""
