"""Funding: the payments of an account, and the hourly amounts of a perpetual swap as a spreadsheet."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from domain.clock import epoch_ms, from_epoch_ms
from venues.paper.call import Call, FileAnswer
from venues.paper.exchange import DAY_MS, Exchange
from venues.paper.matching.perpetuals import HOUR_MS, funding_amount
from venues.paper.matching.refusals import invalid_parameter
from venues.paper.services import spreadsheet
from venues.paper.services.fields import checked, within
from venues.paper.services.margin_accounts import margin_account, perpetual

DEFAULT_ROWS: Final = 8760
MAX_ROWS: Final = 20_000

_PAYMENT_COLUMNS: Final = ("Event Type", "Timestamp", "Asset Code", "Action", "Quantity", "Instrument Symbol")
_AMOUNT_COLUMNS: Final = ("Symbol", "Funding Date Time", "Funding Amount", "Currency")


def payments(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/perpetuals/fundingPayment`: the last 24 hours unless the query says otherwise."""
    given = checked("funding_payment", call)
    margin_account(exchange, call.owner)
    now_ms = exchange.timeline.now_ms()
    if given.get("since", now_ms - DAY_MS) > given.get("to", now_ms):
        raise invalid_parameter("since must not be after to")
    return []


def payment_report(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/perpetuals/fundingpaymentreport/records.json`."""
    given = checked("funding_payment_report", call)
    margin_account(exchange, call.owner)
    _hours(exchange, given)
    return []


def payment_report_file(exchange: Exchange, call: Call) -> FileAnswer:
    """Answer `/v1/perpetuals/fundingpaymentreport/records.xlsx`."""
    given = checked("funding_payment_report_xlsx", call)
    margin_account(exchange, call.owner)
    _hours(exchange, given)
    content = spreadsheet.workbook("FundingPayment", _PAYMENT_COLUMNS, [])
    return FileAnswer(media_type=spreadsheet.MEDIA_TYPE, name="FundingPayment_Report.xlsx", content=content)


def amount_report_file(exchange: Exchange, call: Call) -> FileAnswer:
    """Answer `/v1/fundingamountreport/records.xlsx`: one row an hour, newest first."""
    given = checked("funding_amount_report", call)
    market = perpetual(exchange, given["symbol"])
    rows: list[tuple[str, str, Decimal, str]] = [
        (market.symbol.upper(), _iso(hour), funding_amount(market, hour), market.instrument.quote)
        for hour in _hours(exchange, given)
    ]
    content = spreadsheet.workbook("FundingAmount", _AMOUNT_COLUMNS, rows)
    return FileAnswer(media_type=spreadsheet.MEDIA_TYPE, name="FundingAmount_Report.xlsx", content=content)


def _hours(exchange: Exchange, given: dict[str, Any]) -> list[int]:
    """Return the hours that a report covers, newest first: at most `numRows`, none in the future."""
    limit = within(given, "numRows", DEFAULT_ROWS, MAX_ROWS)
    first, last = given.get("fromDate"), given.get("toDate")
    if first is not None and last is not None and first > last:
        raise invalid_parameter("fromDate must not be after toDate")
    newest = exchange.timeline.now_ms() // HOUR_MS * HOUR_MS
    if last is not None:
        newest = min(newest, _midnight(last) + DAY_MS - HOUR_MS)
    oldest = max(newest - (limit - 1) * HOUR_MS, 0)
    if first is not None:
        oldest = max(oldest, _midnight(first))
    return list(range(newest, oldest - 1, -HOUR_MS))


def _midnight(day: date) -> int:
    return epoch_ms(datetime.combine(day, time(), UTC))


def _iso(at_ms: int) -> str:
    return from_epoch_ms(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


HANDLERS = {
    "funding_payment": payments,
    "funding_payment_report": payment_report,
    "funding_payment_report_xlsx": payment_report_file,
    "funding_amount_report": amount_report_file,
}
