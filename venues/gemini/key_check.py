"""Whether a key will do: what it may do, what it sees, and what is wrong with it, in words.

`judge_text` looks at key and secret as they were typed, before anything is sent. `check_key` asks the venue.
Both return findings and never raise for what is wrong with a key; nothing in them repeats the secret.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol, TypeVar

from domain.errors import BadInputError, LockedError, MatrixError, UnreachableError, VenueError
from domain.order import Balance
from venues.gemini.parsing.parse import FeeSchedule, KeyRoles
from venues.gemini.session.clock_light import LIMIT_S

_T = TypeVar("_T")


class Level(StrEnum):
    """How bad a finding is: a failure means that the key cannot be used."""

    GOOD = "good"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found, in words, and what to do about it."""

    level: Level
    code: str
    text: str
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReport:
    """What a key is good for. Parts that could not be read are None; the findings say why."""

    findings: tuple[Finding, ...]
    roles: KeyRoles | None
    balances: tuple[Balance, ...] | None
    fees: FeeSchedule | None
    skew_s: float | None

    @property
    def is_usable(self) -> bool:
        """Say whether nothing that was found forbids using the key."""
        return all(finding.level is not Level.FAILURE for finding in self.findings)


class KeyedClient(Protocol):
    """What the check asks of a client."""

    @property
    def clock_skew_s(self) -> float | None:
        """Return by how much our clock is ahead at the last reply."""
        ...

    async def symbols(self) -> list[str]:
        """Return the symbols; needs no key."""
        ...

    async def roles(self) -> KeyRoles:
        """Return what the key may do."""
        ...

    async def balances(self) -> list[Balance]:
        """Return what the account has."""
        ...

    async def fee_schedule(self) -> FeeSchedule:
        """Return the account's fees."""
        ...


_ROLE_TABLE: Final[tuple[tuple[Callable[[KeyRoles], bool], Finding], ...]] = (
    (
        lambda roles: not roles.is_trader,
        Finding(
            level=Level.FAILURE,
            code="NO_TRADER_ROLE",
            text="the key may not trade",
            cure="Give it the Trader role at the exchange, or make a key that has it.",
        ),
    ),
    (
        lambda roles: roles.is_fund_manager,
        Finding(
            level=Level.WARNING,
            code="CAN_WITHDRAW",
            text="the key can move money out of the account (Fund Manager)",
            cure="Trading does not need that; take the role away.",
        ),
    ),
    (
        lambda roles: roles.is_account_admin,
        Finding(
            level=Level.WARNING,
            code="CAN_ADMINISTER",
            text="the key can open and rename accounts (Administrator)",
            cure="Trading does not need that; take the role away.",
        ),
    ),
    (
        lambda roles: roles.is_trader and not roles.is_fund_manager and not roles.is_account_admin,
        Finding(level=Level.GOOD, code="TRADES_ONLY", text="the key may trade, and cannot move money out"),
    ),
)

_IN_WORDS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "InvalidApiKey": (
            "WRONG_ENVIRONMENT",
            "the exchange does not know this key",
            "Sandbox and live have keys of their own, and keys get deleted: make one where it is to be used.",
        ),
        "InvalidSignature": (
            "WRONG_SECRET",
            "the secret does not belong to the key",
            "Copy the secret again, whole and without spaces; it is shown once, so this may take a new key.",
        ),
        "MissingRole": (
            "MISSING_ROLE",
            "the key lacks a role that this needs",
            "Give it the Trader role at the exchange.",
        ),
        "ApiKeyIpFilteringFailure": (
            "ADDRESS_NOT_TRUSTED",
            "the key does not accept requests from this machine's address",
            "Add the address to the key's trusted addresses, or remove that list.",
        ),
        "RemoteAddressForbidden": (
            "ADDRESS_NOT_TRUSTED",
            "the exchange does not accept requests from this machine's address",
            "Use a machine whose address it accepts.",
        ),
        "MissingAccounts": ("NO_ACCOUNT", "a master key must name an account", "Give its short name."),
        "MissingAccountName": ("NO_ACCOUNT", "a master key must name an account", "Give its short name."),
        "InvalidAccountName": (
            "NO_ACCOUNT",
            "the group has no account of that name",
            "Give the short name of one of its accounts.",
        ),
        "AccountClosed": ("ACCOUNT_CLOSED", "the account is closed", "Use a key of an open account."),
    }
)


def judge_text(api_key: str, api_secret: str) -> list[Finding]:
    """Return what looks wrong in key and secret as typed. Repeats neither."""
    found = []
    for name, text in (("key", api_key), ("secret", api_secret)):
        if not text.strip():
            found.append(_typed("EMPTY", f"the {name} is empty", "Copy it from the exchange's API page."))
        elif text != text.strip():
            found.append(
                _typed("SPACES", f"the {name} begins or ends with a space or a line break", "Take it away.")
            )
        elif any(mark in text for mark in "\"'`"):
            found.append(_typed("QUOTES", f"the {name} has quotation marks", "Take them away."))
    if api_secret.strip().startswith(("account-", "master-")):
        found.append(_typed("SWAPPED", "the secret looks like a key", "Key and secret may be swapped."))
    elif api_key.strip() and not api_key.strip().startswith(("account-", "master-")):
        found.append(
            Finding(
                level=Level.WARNING,
                code="UNUSUAL_KEY",
                text="the key does not begin with account- or master-",
                cure="Make sure that it is the key and not the secret.",
            )
        )
    return found


async def check_key(client: KeyedClient) -> KeyReport:
    """Ask the venue what the key is good for; stops asking once it is clear that the key is refused."""
    findings: list[Finding] = []
    await _asked(client.symbols, findings)
    skew_s = client.clock_skew_s
    findings.extend(_clock(skew_s))
    if any(finding.code == "UNREACHABLE" for finding in findings):
        return KeyReport(findings=tuple(findings), roles=None, balances=None, fees=None, skew_s=skew_s)
    roles = await _asked(client.roles, findings)
    balances, fees = None, None
    if roles is not None:
        findings.extend(finding for applies, finding in _ROLE_TABLE if applies(roles))
        balances = await _asked(client.balances, findings)
        fees = await _asked(client.fee_schedule, findings)
    return KeyReport(
        findings=tuple(dict.fromkeys(findings)),
        roles=roles,
        balances=None if balances is None else tuple(balances),
        fees=fees,
        skew_s=skew_s,
    )


async def _asked(ask: Callable[[], Awaitable[_T]], findings: list[Finding]) -> _T | None:
    try:
        return await ask()
    except (VenueError, UnreachableError, LockedError, BadInputError) as error:
        findings.append(_in_words(error))
        return None


def _in_words(error: MatrixError) -> Finding:
    reason = error.reason if isinstance(error, VenueError) else ""
    if reason == "InvalidNonce":
        return _nonce(error)
    if reason in _IN_WORDS:
        code, text, cure = _IN_WORDS[reason]
        return Finding(level=Level.FAILURE, code=code, text=text, cure=cure)
    if isinstance(error, UnreachableError):
        return Finding(level=Level.FAILURE, code="UNREACHABLE", text=error.message, cure=error.cure)
    return Finding(level=Level.FAILURE, code=error.code, text=error.message, cure=error.cure)


def _nonce(error: MatrixError) -> Finding:
    if "30 seconds" in error.message:
        return Finding(
            level=Level.FAILURE,
            code="TIME_BASED_NONCES",
            text="the key was made with time-based nonces, or this machine's clock is wrong",
            cure="If the clock is right, enter the key as one with time-based nonces, or make one without.",
        )
    return Finding(
        level=Level.FAILURE,
        code="NONCE_USED",
        text="another program has used this key with higher nonces",
        cure="Give every program a key of its own: make a new one for this.",
    )


def _clock(skew_s: float | None) -> list[Finding]:
    if skew_s is None or abs(skew_s) <= LIMIT_S:
        return []
    where = "ahead of" if skew_s > 0 else "behind"
    return [
        Finding(
            level=Level.FAILURE,
            code="CLOCK_OFF",
            text=f"this machine's clock is {abs(skew_s):.0f} s {where} the exchange's",
            cure="Set the machine's time (NTP).",
        )
    ]


def _typed(code: str, text: str, cure: str) -> Finding:
    return Finding(level=Level.FAILURE, code=code, text=text, cure=cure)
