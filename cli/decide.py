"""The person's commands: proposals, approve, reject, kill, release, limits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cli import command
from cli.command import Context, Subparsers
from cli.exits import Exit
from domain.errors import BadInputError, ConflictError

if TYPE_CHECKING:
    from desk.client import DeskClient

Json = dict[str, Any]
_SETTLE_S = 10.0
_POLL_S = 0.2
_EXIT_OF_OUTCOME = {
    "rejected": Exit.REFUSED,
    "refused_at_send": Exit.REFUSED,
    "unknown": Exit.NOT_REACHABLE,
}


def register(commands: Subparsers) -> None:
    """Add the person's commands."""
    proposals = command.add(commands, "proposals", run_proposals, "list what waits for an answer")
    proposals.add_argument("--all", action="store_true", help="answered and expired ones too")
    approve = command.add(commands, "approve", run_approve, "show a proposal's card and approve it")
    approve.add_argument("id", metavar="ID", help="the proposal, P-...")
    approve.add_argument("--digest", metavar="D", help="the digest, or its first eight characters or more")
    reject = command.add(commands, "reject", run_reject, "reject a proposal")
    reject.add_argument("id", metavar="ID", help="the proposal, P-...")
    reject.add_argument("--reason", metavar="TEXT", help="why; it is recorded")
    kill = command.add(commands, "kill", run_kill, "cancel every order, sell positions, halt the desk")
    kill.add_argument("--keep", action="store_true", help="sell nothing")
    command.add(commands, "release", run_release, "let a halted desk trade again")
    limits = command.add(commands, "limits", run_limits, "show the limits, or propose another value for one")
    limits.add_argument("name", nargs="?", metavar="NAME")
    limits.add_argument("value", nargs="?", metavar="VALUE")


def run_proposals(context: Context) -> int:
    """List proposals, newest first."""
    from cli.cards import headline
    from cli.desk_access import as_reader

    state = "all" if context.options.all else "pending"
    found = as_reader(context.home, lambda desk: desk.read("/proposals", state=state))
    lines = [headline(proposal) for proposal in found["proposals"]]
    context.terminal.data(found, "\n".join(lines) or "nothing waits for an answer")
    return Exit.OK


def run_approve(context: Context) -> int:
    """Show the card, take the digest's first characters, approve exactly those bytes."""
    from cli.cards import card_text
    from cli.desk_access import as_person, as_reader

    wanted = proposal_id(context.options.id)
    proposal = as_reader(context.home, lambda desk: desk.read(f"/proposals/{wanted}"))
    if not context.terminal.as_json:
        context.terminal.data(proposal, card_text(proposal))
    _must_be_pending(proposal)
    typed = context.options.digest or _ask_for_digest(context)
    check_digest(proposal, typed)
    answered = as_person(context.home, lambda desk: desk.approve(wanted, proposal["digest"]))
    if answered.get("outcome") is None:
        answered = as_reader(context.home, lambda desk: _settled(desk, wanted))
    outcome = answered.get("outcome") or {
        "state": answered["state"],
        "text": "approved; the outcome is not known yet",
    }
    context.terminal.data(answered, f"{outcome['state']}: {outcome['text']}")
    return _EXIT_OF_OUTCOME.get(outcome["state"], Exit.OK)


def run_reject(context: Context) -> int:
    """Reject a proposal."""
    from cli.desk_access import as_person

    wanted = proposal_id(context.options.id)
    answered = as_person(context.home, lambda desk: desk.reject(wanted, context.options.reason))
    context.terminal.data(answered, f"{wanted} {answered['state']}")
    return Exit.OK


def run_kill(context: Context) -> int:
    """Stop everything."""
    from cli.desk_access import as_person

    done = as_person(context.home, lambda desk: desk.kill(keep=context.options.keep))
    count, record = len(done["cancelled"]), done["record_id"]
    orders = "no order was open" if not count else f"{count} order{'s' if count > 1 else ''} cancelled"
    lines = [f"{done['kill_state']}: {orders}" + (f" (record {record})" if record else "")]
    lines += [f"NOT DONE: {failed['order_id']}: {failed['message']}" for failed in done["failed"]]
    lines += [
        f"sold {order['filled']} {order['symbol']} at {order['average_price']}" for order in done["flattened"]
    ]
    lines += ["Only a person releases it: matrix release"]
    context.terminal.data(done, "\n".join(lines))
    return Exit.REFUSED if done["failed"] else Exit.OK


def run_release(context: Context) -> int:
    """Release the kill latch."""
    from cli.desk_access import as_person

    status = as_person(context.home, lambda desk: desk.release())
    context.terminal.data(status, f"{status['kill_state']}: {status['mode_line']}")
    return Exit.OK


def run_limits(context: Context) -> int:
    """Show limits; with a value, make the card that changes one."""
    from cli.cards import card_text, how_to_answer, table
    from cli.desk_access import as_reader

    name, value = context.options.name, context.options.value
    if value is not None:
        import secrets

        body = {"request_id": f"cli/{secrets.token_hex(8)}", "name": name, "value": value}
        proposal = as_reader(context.home, lambda desk: desk.propose("/limit-changes", body))
        refused = proposal["state"] == "refused"
        text = card_text(proposal) + ("" if refused else f"\n{how_to_answer(proposal)}")
        context.terminal.data(proposal, text)
        return Exit.REFUSED if refused else Exit.OK
    found = as_reader(context.home, lambda desk: desk.read("/limits", name=name))
    rows = [
        (row["name"], row["value"], row["unit"], row.get("used") or "", _pending(row))
        for row in found["limits"]
    ]
    context.terminal.data(found, table(("limit", "value", "unit", "used", "coming"), rows))
    return Exit.OK


def proposal_id(text: str) -> str:
    """Return `text` if it can be a proposal's id, so that nothing else becomes part of a path."""
    tail = text.removeprefix("P-")
    if tail == text or not (tail.isascii() and tail.isalnum()) or len(tail) > 40:
        raise BadInputError(
            "BAD_ID",
            f"{text[:60]!r} is not a proposal's id",
            "They look like P-01KB...; see `matrix proposals`.",
        )
    return text


def _must_be_pending(proposal: Json) -> None:
    state = proposal["state"]
    if state == "pending":
        return
    codes = ", ".join((proposal.get("verdict") or {}).get("codes", ()))
    why = {
        "voided": f"it was replaced by {proposal.get('replaced_by')}",
        "refused": f"the desk's rules refused it ({codes})",
        "expired": "it waited too long",
    }.get(state, f"it was {state} before")
    raise ConflictError(
        "NOT_PENDING", f"{proposal['id']} cannot be approved: {why}", "See `matrix proposals`."
    )


def _ask_for_digest(context: Context) -> str:
    if context.terminal.as_json and not sys.stdin.isatty():
        raise BadInputError("DIGEST_MISSING", "no digest was given", "Give --digest with the card's digest.")
    sys.stderr.write("Type the first eight characters of the digest to approve: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def check_digest(proposal: Json, typed: str) -> None:
    """Raise `ConflictError` unless `typed` begins the card's digest with eight characters or more."""
    from cli.cards import DIGEST_SHOWN

    given = typed.strip().lower()
    if len(given) < DIGEST_SHOWN or not str(proposal["digest"]).startswith(given):
        raise ConflictError(
            "WRONG_DIGEST",
            "that is not the digest of this card; nothing was approved",
            f"Its first eight characters are shown by `matrix approve {proposal['id']}`.",
        )


async def _settled(desk: DeskClient, wanted: str) -> Json:
    """Wait a moment for the outcome of an approved proposal."""
    import asyncio

    deadline = asyncio.get_running_loop().time() + _SETTLE_S
    while True:
        proposal = await desk.read(f"/proposals/{wanted}")
        if proposal.get("outcome") is not None or asyncio.get_running_loop().time() > deadline:
            return proposal
        await asyncio.sleep(_POLL_S)


def _pending(row: Json) -> str:
    coming = row.get("pending")
    return f"{coming['value']} from {coming['effective_at']}" if coming else ""
