"""The networks of the play exchange: what travels on them, what it costs, what their addresses look like.

Nothing here touches a chain. An address has the look of its network, of the test network where that differs,
and is the digest of a text: its checksum is not right, so no wallet takes it for a real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from venues.paper.matching.refusals import PlainRefusedError, RefusedError

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_HEX: Final = "0123456789abcdef"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """One network. `fees` are what a withdrawal costs, by currency; its keys are what the network carries."""

    name: str
    prefix: str
    alphabet: str
    length: int
    fees: Mapping[str, Decimal]
    has_memo: bool = False


def _chain(  # noqa: PLR0917 - one row of the table below
    name: str, prefix: str, alphabet: str, length: int, fees: str, has_memo: bool = False
) -> Chain:
    pairs = (part.split(":") for part in fees.split())
    return Chain(
        name=name,
        prefix=prefix,
        alphabet=alphabet,
        length=length,
        fees=MappingProxyType({currency: Decimal(fee) for currency, fee in pairs}),
        has_memo=has_memo,
    )


_CHAINS: Final = (
    _chain("bitcoin", "tb1q", _BECH32, 38, "BTC:0.0001"),
    _chain(
        "ethereum",
        "0x",
        _HEX,
        40,
        "ETH:0.001 USDC:2 USDT:2 GUSD:2 DAI:2 RLUSD:2 PAXG:0.0008 AAVE:0.02 BAT:12 COMP:0.05 CRV:5 INJ:0.2 "
        "LINK:0.2 PEPE:400000 SHIB:250000 UNI:0.3 YFI:0.0004",
    ),
    _chain("bitcoincash", "bchtest:q", _BECH32, 41, "BCH:0.001"),
    _chain("litecoin", "tltc1q", _BECH32, 38, "LTC:0.001"),
    _chain("zcash", "tm", _BASE58, 33, "ZEC:0.0005"),
    _chain("filecoin", "t1", _BASE32, 39, "FIL:0.05"),
    _chain("dogecoin", "n", _BASE58, 33, "DOGE:4"),
    _chain("tezos", "tz1", _BASE58, 33, "XTZ:0.2"),
    _chain("solana", "", _BASE58, 43, "SOL:0.005 USDC:0.1"),
    _chain("polkadot", "5", _BASE58, 47, "DOT:0.1"),
    _chain("avalanche", "0x", _HEX, 40, "AVAX:0.01 USDC:0.1"),
    _chain("cosmos", "cosmos1", _BECH32, 38, "ATOM:0.02", has_memo=True),
    _chain("xrpl", "r", _BASE58, 33, "XRP:0.5 RLUSD:0.1", has_memo=True),
    _chain("arbitrum", "0x", _HEX, 40, "ETH:0.0002 USDC:0.1"),
    _chain("base", "0x", _HEX, 40, "ETH:0.0002 USDC:0.1"),
    _chain("optimism", "0x", _HEX, 40, "ETH:0.0002 USDC:0.1"),
)

CHAINS: Final[Mapping[str, Chain]] = MappingProxyType({chain.name: chain for chain in _CHAINS})
"""Every network by name. The first that carries a currency is the one that v1 calls mean."""


def chains_of(currency: str) -> list[Chain]:
    """Return the networks that carry a currency. Raises `UnsupportedNetwork` when none does."""
    found = [chain for chain in _CHAINS if currency.upper() in chain.fees]
    if not found:
        raise RefusedError("UnsupportedNetwork", f"UnsupportedNetwork: {currency[:40]}", 404)
    return found


def chain_named(name: str) -> Chain:
    """Return a network by its name; a currency, which ccxt sends, stands for its main network.

    Raises `UnsupportedNetwork`.
    """
    found = CHAINS.get(name.lower())
    return chains_of(name)[0] if found is None else found


def route(network: str, currency: str) -> tuple[Chain, Decimal]:
    """Return the network and the fee for sending a currency over it.

    Raises `UnsupportedNetwork` for an unknown network, a bare error message for a currency it does not carry.
    """
    found = CHAINS.get(network.lower())
    if found is None:
        raise RefusedError("UnsupportedNetwork", f"UnsupportedNetwork: {network[:40]}", 404)
    fee = found.fees.get(currency.upper())
    if fee is None:
        raise PlainRefusedError(
            f"Supplied value '{currency[:40]}' is not supported on network '{found.name}'. "
            f"It carries {', '.join(sorted(found.fees))}."
        )
    return found, fee


def play_address(chain: Chain, *parts: object) -> str:
    """Return the play address that `parts` lead to."""
    number = int.from_bytes(
        b"".join(
            sha256("|".join(map(str, ("play", chain.name, half, *parts))).encode()).digest() for half in "ab"
        )
    )
    letters = []
    for _ in range(chain.length):
        number, index = divmod(number, len(chain.alphabet))
        letters.append(chain.alphabet[index])
    return chain.prefix + "".join(letters)
