"""The only process that holds exchange keys: orders, limits, ledger, journal and its loopback API."""
