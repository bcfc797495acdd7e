"""`matrix journal tail|search|show|verify`: what was recorded, read through the desk."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from cli import command
from cli.command import Context, Parser, Subparsers
from cli.exits import Exit
from domain.errors import BadInputError

if TYPE_CHECKING:
    from desk.client import DeskClient

Json = dict[str, Any]
_FOLLOW_S = 0.5
_MAX_LINES = 1000
_TEXTS = ("summary", "error_text", "decision_text", "payload_text", "result_json")


def register(commands: Subparsers) -> None:
    """Add the journal's commands."""
    journal = command.add(commands, "journal", _run_none, "read and verify the journal")
    actions = journal.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    tail = command.add(actions, "tail", run_tail, "the last records, oldest first")
    tail.add_argument("-n", "--lines", type=_line_count, default=20, metavar="N")
    tail.add_argument("-f", "--follow", action="store_true", help="go on with new records until Ctrl-C")
    search = command.add(actions, "search", run_search, "records by text and filters, newest first")
    search.add_argument("text", nargs="?", metavar="TEXT")
    search.add_argument("--kind", metavar="KIND", help="such as order.filled")
    search.add_argument("--symbol", metavar="SYMBOL", help="such as btcusd")
    search.add_argument("--order", metavar="ID", help="the venue's or our own order id")
    search.add_argument("--period", metavar="PERIOD", help="today, yesterday, 7d, 30d, all or START/END")
    search.add_argument("--limit", type=_line_count, default=20, metavar="N")
    show = command.add(actions, "show", run_show, "one record, whole")
    show.add_argument("id", metavar="ID", help="the record, R-...")
    command.add(actions, "verify", run_verify, "check the whole hash chain")


def run_tail(context: Context) -> int:
    """Print the last records; with `--follow` go on until interrupted."""
    from cli.desk_access import as_reader

    return as_reader(context.home, lambda desk: _tail(context, desk))


def run_search(context: Context) -> int:
    """Print the records that match."""
    from cli.desk_access import as_reader

    given = context.options
    found = as_reader(
        context.home,
        lambda desk: desk.read(
            "/journal/search",
            text=given.text,
            kind=given.kind,
            symbol=given.symbol,
            order_id=given.order,
            period=given.period,
            limit=given.limit,
        ),
    )
    lines = [record_line(record) for record in found["records"]]
    context.terminal.data(found, "\n".join([*lines, f"{len(lines)} of {found['total']} records"]))
    return Exit.OK


def run_show(context: Context) -> int:
    """Print one record with every key."""
    from cli.cards import pairs
    from cli.desk_access import as_reader

    wanted = _record_id(context.options.id)
    record = as_reader(context.home, lambda desk: desk.read(f"/journal/records/{wanted}"))
    rows = ((key, value if isinstance(value, str) else json.dumps(value)) for key, value in record.items())
    context.terminal.data(record, "\n".join(pairs(rows, "")))
    return Exit.OK


def run_verify(context: Context) -> int:
    """Verify the chain; a broken one exits with 1."""
    from cli.desk_access import as_reader

    found = as_reader(context.home, lambda desk: desk.read("/journal/verify"))
    verdict = "whole" if found["ok"] else f"BROKEN at {found['first_bad']}: {found['detail']}"
    context.terminal.data(found, f"{found['checked']} records, chain {verdict}, head {found['head']}")
    return Exit.OK if found["ok"] else Exit.REFUSED


def record_line(record: Json) -> str:
    """Return one record on one line: id, time, kind, symbol and the first words of what it says."""
    said = next((record[key] for key in _TEXTS if record.get(key)), "")
    first = " ".join((said if isinstance(said, str) else json.dumps(said)).split())[:100]
    symbol = record.get("symbol") or "-"
    return f"{record['id']}  {record['ts']}  {record['kind']:<18}  {symbol:<8}  {first}".rstrip()


async def _tail(context: Context, desk: DeskClient) -> int:
    import asyncio

    count = context.options.lines
    newest = await desk.read("/journal/search", limit=count)
    records = list(reversed(newest["records"]))
    last = 0
    while True:
        for record in records:
            context.terminal.data(record, record_line(record))
        if not context.options.follow:
            return Exit.OK
        last = records[-1]["seq"] if records else last
        await asyncio.sleep(_FOLLOW_S)
        records = (await desk.read("/journal/tail", after_seq=last, limit=_MAX_LINES))["records"]


def _record_id(text: str) -> str:
    tail = text.removeprefix("R-")
    if tail == text or not (tail.isascii() and tail.isalnum()) or len(tail) > 40:
        raise BadInputError(
            "BAD_ID",
            f"{text[:60]!r} is not a record's id",
            "They look like R-01KB...; see `matrix journal tail`.",
        )
    return text


def _line_count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MAX_LINES):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a count (1 to {_MAX_LINES})")
    return int(text)


def _run_none(_: Context) -> int:
    raise BadInputError("USAGE", "no action was given", "See `matrix journal --help`.")
