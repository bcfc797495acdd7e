"""The funding reports as real spreadsheets, read here as strictly as a stranger would."""

import tomllib
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest

from tests.venues_paper.services.asking import HOUR_MS, Keys
from tests.venues_paper.signed import signed_headers
from venues.paper.services.funding import DEFAULT_ROWS
from venues.paper.services.spreadsheet import MEDIA_TYPE, workbook
from venues.paper.services.staking_terms import iso

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"
LINKS = "{http://schemas.openxmlformats.org/package/2006/relationships}"


def sheet_of(content: bytes) -> list[list[str]]:
    """Follow the package from its root to the sheet and return the texts of its cells."""
    with ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        parts = {name: ET.fromstring(archive.read(name)) for name in names}
    typed = {each.get("PartName") for each in parts["[Content_Types].xml"].iter(f"{TYPES}Override")}
    defaults = {each.get("Extension") for each in parts["[Content_Types].xml"].iter(f"{TYPES}Default")}
    assert all(f"/{name}" in typed or name.rsplit(".", 1)[-1] in defaults for name in names)
    (root,) = parts["_rels/.rels"].iter(f"{LINKS}Relationship")
    book = parts[root.get("Target")]
    targets = {each.get("Id"): each.get("Target") for each in parts["xl/_rels/workbook.xml.rels"]}
    assert {f"xl/{target}" for target in targets.values()} <= names
    (sheet,) = book.iter(f"{MAIN}sheet")
    link = sheet.get("{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id")
    rows = []
    for number, row in enumerate(parts[f"xl/{targets[link]}"].iter(f"{MAIN}row"), 1):
        assert row.get("r") == str(number)
        cells = list(row)
        assert [cell.get("r") for cell in cells] == [f"{chr(65 + i)}{number}" for i in range(len(cells))]
        rows.append(["".join(cell.itertext()) for cell in cells])
    return rows


async def fetched(keys: Keys, **query: object) -> list[list[str]]:
    answer = await keys.ask("stranger", "funding_amount_report", {}, {"symbol": "btcgusdperp", **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["content-disposition"] == "attachment; filename=FundingAmount_Report.xlsx"
    return sheet_of(answer.content)


async def test_amounts_stand_hour_by_hour_newest_first(keys: Keys) -> None:
    head, *rows = await fetched(keys, numRows=3)
    assert head == ["Symbol", "Funding Date Time", "Funding Amount", "Currency"]
    newest = keys.now_ms // HOUR_MS * HOUR_MS
    assert [row[1] for row in rows] == [iso(newest - hour * HOUR_MS) for hour in range(3)]
    assert {(row[0], row[3]) for row in rows} == {("BTCGUSDPERP", "GUSD")}
    amounts = [Decimal(row[2]) for row in rows]
    assert len(set(amounts)) == 3
    assert all(abs(amount) <= 2 for amount in amounts)


async def test_dates_and_rows_bound_the_report(keys: Keys) -> None:
    _, *one_day = await fetched(keys, fromDate="2026-11-18", toDate="2026-11-18")
    assert len(one_day) == 24
    assert (one_day[0][1][:13], one_day[-1][1][:13]) == ("2026-11-18T23", "2026-11-18T00")
    _, *cut = await fetched(keys, fromDate="2026-11-18", toDate="2026-11-18", numRows=5)
    assert cut == one_day[:5]
    today = iso(keys.now_ms)[:10]
    _, *since = await fetched(keys, fromDate=today, toDate="2999-12-24")
    assert len(since) == keys.now_ms // HOUR_MS % 24 + 1
    _, *ahead = await fetched(keys, fromDate="2999-12-01")
    assert ahead == []
    _, *all_rows = await fetched(keys)
    assert len(all_rows) == DEFAULT_ROWS
    keys.pass_time(HOUR_MS)
    _, *later = await fetched(keys, numRows=9)
    assert later[1:] == all_rows[:8]


async def test_payments_of_an_account_without_positions_are_none(keys: Keys) -> None:
    assert await keys["margin"].post("/v1/perpetuals/fundingPayment") == []
    answer = await keys.ask("margin", "funding_payment_report_xlsx", {}, {"numRows": 5})
    head, *rows = sheet_of(answer.content)
    assert (len(head), rows) == (6, [])


async def test_what_is_asked_for_is_judged(keys: Keys) -> None:
    for query, reason in (
        ({"symbol": "btcusd"}, "InvalidSymbol"),
        ({"symbol": "btcgusdperp", "fromDate": "20.11.2026"}, "InvalidParameterValue"),
        ({"symbol": "btcgusdperp", "fromDate": "2026-02-30"}, "InvalidParameterValue"),
        (
            {"symbol": "btcgusdperp", "toDate": "0001-01-01", "fromDate": "9999-12-31"},
            "InvalidParameterValue",
        ),
        ({"symbol": "btcgusdperp", "numRows": "0"}, "InvalidParameterValue"),
        ({"symbol": "btcgusdperp", "numRows": "999999"}, "InvalidParameterValue"),
    ):
        answer = await keys.ask("stranger", "funding_amount_report", {}, query)
        assert (answer.status_code, answer.json()["reason"]) == (400, reason), query
    answer = await keys.ask("margin", "funding_payment", {}, {"since": 2_000_000_000})
    assert answer.json()["reason"] == "InvalidParameterValue"
    answer = await keys.ask(
        "stranger", "funding_amount_report", {}, {"symbol": "btcgusdperp", "toDate": "9999-12-31"}
    )
    assert answer.status_code == 200
    answer = await keys.ask(
        "stranger", "funding_amount_report", {}, {"symbol": "btcgusdperp", "toDate": "0001-01-01"}
    )
    assert len(sheet_of(answer.content)) == 1


async def test_signed_path_may_carry_the_query(keys: Keys) -> None:
    client = keys["margin"]
    path = "/v1/perpetuals/fundingpaymentreport/records.xlsx?numRows=2"
    headers = signed_headers(client.key, client.secret, path)
    answer = await keys.http.get(client.url + path, headers=headers)
    assert answer.status_code == 200


async def test_workbook_keeps_every_digit_and_every_letter() -> None:
    exact = Decimal("12345678901234567890.123456789")
    content = workbook("A <sheet> & more", ["a & b", "<c>"], [["  ü <&> ", exact], ["", 7]])
    assert sheet_of(content) == [["a & b", "<c>"], ["  ü <&> ", str(exact)], ["", "7"]]
    assert content == workbook("A <sheet> & more", ["a & b", "<c>"], [["  ü <&> ", exact], ["", 7]])
    wide = workbook("wide", [str(n) for n in range(60)], [])
    with ZipFile(BytesIO(wide)) as archive:
        cells = ET.fromstring(archive.read("xl/worksheets/sheet1.xml")).iter(f"{MAIN}c")
        places = [cell.get("r") for cell in cells]
    assert (places[25], places[26], places[59]) == ("Z1", "AA1", "BH1")


async def test_no_spreadsheet_library_is_needed() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert "openpyxl" not in str(project["project"]["dependencies"])
