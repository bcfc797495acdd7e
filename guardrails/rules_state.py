"""Rules about the state of the desk: stopped or not, sound or not, how fast it goes, and who said yes."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal

from guardrails.case import Case, count, met, passed, plain, refused, seconds
from guardrails.snapshot import Consent, ConsentKind, KillState
from guardrails.verdict import Check

MAX_CLOCK_SKEW_S = 20
"""The venue refuses signatures that are 30 s off; beyond this the desk does not trust its own time."""

_DIGEST_LENGTH = 64
_WHO = {ConsentKind.PERSON: "A person", ConsentKind.MANDATE: "A mandate"}


def kill_switch(case: Case) -> Check:
    """Require an active latch, or a reduction while the latch is reducing."""
    state = case.snapshot.kill_state
    if state is KillState.ACTIVE:
        return met("kill_switch", "The desk is active.")
    if state is KillState.REDUCING:
        if case.is_exit:
            return met("kill_switch", "The desk is reducing, and this sale reduces.")
        text = "The desk is being stopped; only sales that reduce a position pass."
        return refused("kill_switch", "KILL_REDUCING", text)
    if state is KillState.HALTED:
        text = "The desk is halted. A person can release it: matrix release, or the page."
        return refused("kill_switch", "KILL_HALTED", text)
    return refused("kill_switch", "KILL_UNKNOWN", "Whether the desk is stopped is not known, so it is.")


def journal(case: Case) -> Check:
    """Require a journal that takes records."""
    if case.snapshot.is_journal_ok is not True:
        text = "The journal cannot be written; nothing is sent that could not be recorded. See matrix doctor."
        return refused("journal", "JOURNAL_FAILED", text)
    return met("journal", "The journal is sound.")


def order_events(case: Case) -> Check:
    """Require the order-events socket. A person's kill sells without it; fills are then read over REST."""
    if case.snapshot.is_order_events_ok is not True and not case.is_kill:
        text = "The order-events feed is down; wait until its light is green."
        return refused("order_events", "ORDER_EVENTS_DOWN", text)
    return met("order_events", "Order events arrive.")


def reconciled(case: Case) -> Check:
    """Require that orders, fills and balances were compared with the venue since the start."""
    if case.snapshot.is_reconciled is not True:
        text = "The desk has not yet compared its books with the venue; wait a moment."
        return refused("reconciled", "NOT_RECONCILED", text)
    return met("reconciled", "The books agree with the venue.")


def clock(case: Case) -> Check:
    """Require a known time that differs from the venue's by at most 20 s."""
    skew = case.snapshot.clock_skew_s
    now: object = case.now
    names, values = ("skew_s", "limit_s"), (skew, MAX_CLOCK_SKEW_S)
    is_number = isinstance(skew, int | float) and math.isfinite(skew)
    if skew is None or not is_number or not isinstance(now, datetime) or now.utcoffset() is None:
        text = "How far our clock is off is not known yet."
        return refused("clock", "CLOCK_UNKNOWN", text, names, values)
    if abs(skew) <= MAX_CLOCK_SKEW_S:
        return passed("clock", "The clock agrees with the venue's.", names, values)
    text = (
        f"The clock is {plain(skew)} s off; at most {MAX_CLOCK_SKEW_S} s are allowed. Set the machine's time."
    )
    return refused("clock", "CLOCK_SKEW", text, names, values)


def orders_per_minute(case: Case) -> Check:
    """Require that this order keeps within `orders_per_rolling_60s`. A person's kill is not paced."""
    return _within(
        case, "orders_per_rolling_60s", case.snapshot.orders_last_60s, case.limits.orders_per_rolling_60s
    )


def messages_per_minute(case: Case) -> Check:
    """Require that this message keeps within `messages_per_rolling_60s`. Cancels do not come here."""
    return _within(
        case,
        "messages_per_rolling_60s",
        case.snapshot.messages_last_60s,
        case.limits.messages_per_rolling_60s,
    )


def open_orders(case: Case) -> Check:
    """Require that this order keeps within `max_open_orders`, unknown ones counted."""
    return _within(case, "max_open_orders", case.snapshot.open_orders, case.limits.max_open_orders)


def pending_approvals(case: Case) -> Check:
    """Require room for one more card; an order that somebody agreed to needs none."""
    rule, limit = "max_pending_approvals", case.limits.max_pending_approvals
    waiting = count(case.snapshot.pending_approvals)
    names, values = ("used", "limit"), (waiting, limit)
    if case.snapshot.consent.kind is not ConsentKind.NONE:
        return passed(rule, "It needs no new card.", names, values)
    if waiting is None:
        return refused(rule, f"{rule.upper()}_UNKNOWN", "How many cards wait is not known.", names, values)
    if waiting < limit:
        return passed(rule, "There is room for one more card.", names, values)
    text = f"{waiting} cards wait for an answer already, and {limit} may. Answer or reject some."
    return refused(rule, rule.upper(), text, names, values)


def rejects(case: Case) -> Check:
    """Require fewer refusals by the venue in a row than `rejects_in_a_row`. A person's kill still tries."""
    rule, limit = "rejects_in_a_row", case.limits.rejects_in_a_row
    seen = count(case.snapshot.rejects_in_a_row)
    names, values = ("used", "limit"), (seen, limit)
    if seen is not None and (seen < limit or case.is_kill):
        return passed(rule, "The venue takes our orders.", names, values)
    if seen is None:
        return refused(rule, f"{rule.upper()}_UNKNOWN", "How the venue answered is not known.", names, values)
    text = f"The venue refused {seen} orders in a row. A person must look why, and release the desk."
    return refused(rule, rule.upper(), text, names, values)


def repeated_execution(case: Case) -> Check:
    """Require that automatic entries keep within `repeated_execution_per_hour`."""
    rule, limit = "repeated_execution_per_hour", case.limits.repeated_execution_per_hour
    seen = count(case.snapshot.executions_last_hour)
    names, values = ("used", "limit"), (seen, limit)
    if case.is_exit or not case.is_automatic:
        return passed(rule, "It is not an automatic entry.", names, values)
    if seen is None:
        text = "How many automatic orders were sent is not known."
        return refused(rule, f"{rule.upper()}_UNKNOWN", text, names, values)
    if seen < limit:
        return passed(rule, "Automatic orders are within their limit.", names, values)
    text = f"{seen} automatic orders were sent in the last hour, and {limit} may. A person must allow more."
    return refused(rule, rule.upper(), text, names, values)


def duplicate(case: Case) -> Check:
    """Require that the very same order was not sent within `duplicate_window_s`."""
    since, least = case.snapshot.seconds_since_same_order, case.limits.duplicate_window_s
    names, values = ("seconds", "limit_s"), (seconds(since), least)
    if since is None or case.is_kill:
        return passed("duplicate_window_s", "The very same order was not sent before.", names[1:], values[1:])
    return _after("duplicate_window_s", "DUPLICATE_ORDER", "the very same order was sent", names, values)


def cooldown(case: Case) -> Check:
    """Require `cooldown_s` since the last order in this symbol; exits need not wait."""
    since, least = case.snapshot.seconds_since_order_in_symbol, case.limits.cooldown_s
    names, values = ("seconds", "limit_s"), (seconds(since), least)
    if since is None or case.is_exit:
        return passed("cooldown_s", "It need not wait for another order.", names[1:], values[1:])
    return _after("cooldown_s", "COOLDOWN", "an order was sent in this symbol", names, values)


def consent(case: Case) -> Check:
    """Require a yes to exactly these bytes: a person's or a mandate's, or a person's kill for reductions."""
    given = case.snapshot.consent
    if given.kind is ConsentKind.NONE:
        return refused("consent", "CONSENT_MISSING", "A person has not said yes yet.")
    if given.kind is ConsentKind.KILL:
        if case.is_kill:
            return met("consent", "A person's kill sells this.")
        text = (
            "A kill's consent is good for its own reductions, while the desk is reducing, and nothing else."
        )
        return refused("consent", "CONSENT_KILL_ONLY", text)
    code, text = _fault_of_yes(case, given)
    return refused("consent", code, text) if code else met("consent", text)


def _fault_of_yes(case: Case, given: Consent) -> tuple[str, str]:
    if given.kind not in _WHO:
        return "CONSENT_UNKNOWN", "Who said yes is not known."
    if given.kind is ConsentKind.MANDATE and not case.draft.mandate_id:
        return "CONSENT_NO_MANDATE", "The order names no mandate that would cover it."
    if given.is_expired is not False:
        return "CONSENT_EXPIRED", "The yes came too late or is too old; ask again."
    if not _is_same_digest(given):
        return "CONSENT_MISMATCH", "The yes was for another order than this one."
    return "", f"{_WHO[given.kind]} said yes to exactly this order."


def _is_same_digest(given: Consent) -> bool:
    return len(given.digest) == _DIGEST_LENGTH and given.digest == given.draft_digest


_COUNTED = {
    "orders_per_rolling_60s": "orders were sent in the last 60 seconds; wait a moment and ask again",
    "messages_per_rolling_60s": "messages were sent in the last 60 seconds; wait a moment and ask again",
    "max_open_orders": "orders are open; cancel one first",
}


def _within(case: Case, rule: str, used: object, limit: int) -> Check:
    """Judge a count that this order raises by one. A person's kill is never held up by a count."""
    known = count(used)
    names, values = ("used", "limit"), (known, limit)
    if case.is_kill:
        return passed(rule, "A person's kill is not counted out.", names, values)
    if known is None:
        return refused(
            rule, f"{rule.upper()}_UNKNOWN", "The count for this limit is not known.", names, values
        )
    if known < limit:
        return passed(rule, "The count is within its limit.", names, values)
    return refused(rule, rule.upper(), f"{known} of {limit} {_COUNTED[rule]}.", names, values)


def _after(
    rule: str, code: str, what: str, names: tuple[str, ...], values: tuple[float | None, Decimal]
) -> Check:
    """Judge the time since something that must not be repeated too soon."""
    since, least = values
    if since is None:
        return refused(rule, f"{code}_UNKNOWN", f"When {what} is not known.", names, values)
    if since >= least:
        return passed(rule, "Enough time has passed.", names, values)
    text = f"{plain(since)} s ago {what}; wait until {plain(least)} s have passed."
    return refused(rule, code, text, names, values)
