"""What is typed is made safe before anything is stored."""

from __future__ import annotations

import pytest

from agent_graph.screen import MAX_CHARACTERS, screen
from domain.errors import BadInputError

GOOGLE = "AIza" + "SyB3x9Kq7Lm2Np5Rt8Vw1Yz4Cd6Fg0Hj3K"
ACCOUNT_KEY = "account-" + "Zk3Vq9Xw7Lm2Np5Rt8Yb"


@pytest.mark.parametrize("secret", [GOOGLE, ACCOUNT_KEY])
def test_a_typed_key_is_removed_and_the_person_is_told_where_keys_belong(secret: str):
    screened = screen(f"my key is {secret} please use it")
    assert secret not in screened.text
    assert screened.findings
    assert "Never type secrets into the chat" in screened.notice
    assert "GEMINI_API_KEY" in screened.notice
    assert "matrix keys" not in screened.notice
    assert secret not in screened.notice


@pytest.mark.parametrize(
    "text",
    [
        "buy 0.00038224 btc at 65,240.09",
        "why order 17951666785180620?",
        "explain R-01K9ZB6J3N8Q4T5V7W9X0Y1Z2A",
        "cancel m-01m7w4bhf927x0f7ejb94zx1dg",
    ],
)
def test_ids_and_figures_are_no_secrets(text: str):
    assert screen(text).text == text
    assert screen(text).notice == ""


def test_hidden_characters_are_taken_out():
    assert screen("buy\u202e 25\u200b dollars\x1b[31m of btc\x00").text == "buy 25 dollars[31m of btc"


@pytest.mark.parametrize("text", ["", "   ", "\u200b\u202e"])
def test_an_empty_message_is_refused(text: str):
    with pytest.raises(BadInputError, match="empty"):
        screen(text)


def test_a_long_message_is_refused_with_the_bound():
    assert screen("a" * MAX_CHARACTERS).text
    with pytest.raises(BadInputError, match="4,001 characters, the chat takes 4,000"):
        screen("a" * (MAX_CHARACTERS + 1))
