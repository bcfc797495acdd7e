"""The person's commands against a running desk: cards, digests, kill and release, limits, journal, doctor."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from desk.client import DeskClient
from tests.cli.conftest import run_matrix, wait_until

Json = dict[str, Any]


def propose(home: Path) -> Json:
    """Propose a little bitcoin, as a conversation would, until the rules on pace let it through."""
    proposed: list[Json] = []

    async def once() -> Json:
        intent = {"symbol": "btcusd", "side": "buy", "rationale": "a small start"}
        # Another amount each time: the very same order twice within seconds is refused.
        wanted = {**intent, "notional_usd": f"{20 + secrets.randbelow(900) / 100:.2f}"}
        client = DeskClient.from_home(home)
        try:
            return await client.propose("/proposals", {"request_id": secrets.token_hex(8), "intent": wanted})
        finally:
            await client.close()

    def is_pending() -> bool:
        proposed.append(asyncio.run(once()))
        return proposed[-1]["state"] == "pending"

    wait_until(is_pending, 10)
    return proposed[-1]


def read_json(home: Path, *arguments: str) -> Any:
    done = run_matrix(home, "--json", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_approve_with_the_first_eight_characters_sends_the_order(desk_home: Path) -> None:
    proposal = propose(desk_home)
    listed = run_matrix(desk_home, "proposals")
    assert proposal["id"] in listed.stdout

    wrong = run_matrix(desk_home, "approve", proposal["id"], typed="00000000\n")
    assert wrong.returncode == 1
    assert "nothing was approved" in wrong.stderr
    short = run_matrix(desk_home, "approve", proposal["id"], typed=f"{proposal['digest'][:7]}\n")
    assert short.returncode == 1
    empty = run_matrix(desk_home, "approve", proposal["id"])
    assert empty.returncode == 1

    done = run_matrix(desk_home, "approve", proposal["id"], typed=f"{proposal['digest'][:8]}\n")
    assert done.returncode == 0, done.stderr
    for row in proposal["card"]["fields"]:
        assert str(row["value"]) in done.stdout
    assert proposal["digest"][:8] in done.stdout
    assert "filled: " in done.stdout

    again = run_matrix(desk_home, "approve", proposal["id"], "--digest", proposal["digest"])
    assert again.returncode == 1
    assert "cannot be approved" in again.stderr


def test_approve_with_json_needs_the_digest_option(desk_home: Path) -> None:
    proposal = propose(desk_home)
    refused = run_matrix(desk_home, "--json", "approve", proposal["id"])
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["error"]["code"] == "DIGEST_MISSING"
    rejected = read_json(desk_home, "reject", proposal["id"], "--reason", "not today")
    assert rejected["state"] == "rejected"


def test_approve_of_an_unknown_proposal_is_bad_input(desk_home: Path) -> None:
    done = run_matrix(desk_home, "approve", "P-01JAAAAAAAAAAAAAAAAAAAAAAA")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")


def test_kill_halts_and_only_release_lets_it_trade_again(desk_home: Path) -> None:
    waiting = propose(desk_home)
    try:
        killed = read_json(desk_home, "kill", "--keep")
        assert killed["kill_state"] == "halted"
        halted = run_matrix(desk_home, "approve", waiting["id"], "--digest", waiting["digest"])
        assert halted.returncode in {1, 4}, halted.stderr
        looked = run_matrix(desk_home, "doctor")
        assert "matrix release" in looked.stdout
    finally:
        released = read_json(desk_home, "release")
    assert released["kill_state"] == "active"


def test_limits_are_shown_and_a_change_makes_a_card(desk_home: Path) -> None:
    shown = run_matrix(desk_home, "limits")
    assert "per_order_usd" in shown.stdout
    one = read_json(desk_home, "limits", "per_order_usd")
    assert [row["name"] for row in one["limits"]] == ["per_order_usd"]
    assert set(one["limits"][0]) >= {"name", "value", "unit", "used"}

    card = run_matrix(desk_home, "limits", "max_open_orders", "9")
    assert card.returncode == 0, card.stderr
    assert "Approve: matrix approve P-" in card.stdout
    wrong = run_matrix(desk_home, "limits", "per_oder_usd")
    assert wrong.returncode == 2


def test_journal_is_shown_searched_and_verified(desk_home: Path) -> None:
    proposal = propose(desk_home)
    lines = run_matrix(desk_home, "--json", "journal", "tail", "-n", "5").stdout.splitlines()
    records = [json.loads(line) for line in lines]
    assert 1 <= len(records) <= 5
    assert [record["seq"] for record in records] == sorted(record["seq"] for record in records)
    found = read_json(desk_home, "journal", "search", "--symbol", "btcusd")
    assert found["total"] >= 1
    shown = read_json(desk_home, "journal", "show", proposal["record_id"])
    assert shown["id"] == proposal["record_id"]
    plain = run_matrix(desk_home, "journal", "show", proposal["record_id"])
    assert f"{shown['hash']}" in plain.stdout
    verified = run_matrix(desk_home, "journal", "verify")
    assert verified.returncode == 0
    assert "chain whole" in verified.stdout
    missing = run_matrix(desk_home, "journal", "show", "R-01JAAAAAAAAAAAAAAAAAAAAAAA")
    assert missing.returncode == 2


def test_doctor_on_a_running_desk_finds_nothing_broken(desk_home: Path) -> None:
    done = run_matrix(desk_home, "--json", "doctor")
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    by_name = {finding["name"]: finding for finding in findings}
    assert done.returncode == 0, done.stdout
    assert {finding["state"] for finding in findings} <= {"ok", "warn"}
    assert set(by_name) >= {
        "python",
        "clock",
        "home",
        "disk",
        "settings",
        "limits",
        "secrets",
        "desk",
        "journal",
    }
    assert all(finding["cure"] for finding in findings if finding["state"] != "ok")


def test_doctor_with_an_open_secret_names_the_cure(desk_home: Path) -> None:
    token = desk_home / "run" / "tokens" / "person"
    token.chmod(0o644)
    try:
        done = run_matrix(desk_home, "doctor")
    finally:
        token.chmod(0o600)
    assert done.returncode == 2
    assert f"chmod 600 {token}" in done.stdout


def test_ask_for_a_trade_prints_the_card_and_how_to_answer_it(desk_home: Path) -> None:
    done = run_matrix(desk_home, "ask", "buy $25 of btc")
    assert done.returncode == 0, done.stderr
    assert "Approve: matrix approve P-" in done.stdout
    assert "Digest: " in done.stdout
    assert "FAIL" not in done.stdout


@pytest.mark.parametrize("question", ["what is the price of btc?", "what are my fees?"])
def test_ask_with_a_running_desk_prints_the_promised_object(desk_home: Path, question: str) -> None:
    told = read_json(desk_home, "ask", question)
    assert list(told) == [
        *(
            "question",
            "answer",
            "model",
            "mode",
            "tools",
            "citations",
            "proposals",
            "asked_back",
            "latency_ms",
        ),
    ]
    assert told["question"] == question
    assert told["mode"] == "paper"
    assert told["answer"]
    assert all(set(tool) == {"name", "args"} for tool in told["tools"])
    assert isinstance(told["latency_ms"], int)
