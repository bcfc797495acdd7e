"""Only figures that a record or the person supports are released."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_graph.evidence import Evidence
from agent_graph.ground import NOTE, ground
from agent_graph.sentences import split
from tests.agent_graph.patient import PATIENT

RECORD = "R-01K9ZB6J3N8Q4T5V7W9X0Y1Z2A"
RESULT = {
    "symbol": "btcusd",
    "price": "65240.09",
    "fee": "0.0997494880064",
    "change_24h_pct": "-1.234",
    "taker_bps": "40",
    "amount": "0.00038224",
    "order_id": "17951666785180620",
    "at": "2026-11-20T13:37:05.123456Z",
    "record_id": RECORD,
    "expires_in_s": 120.0,
    "orders": [{"n": "1"}, {"n": "1"}, {"n": "1"}],
}


@pytest.fixture
def evidence() -> Evidence:
    known = Evidence()
    known.add_zone("Europe/Berlin")
    known.add_result(RESULT)
    known.add_person("sell it at a profit of 25 cents, I have $1.5k")
    return known


@pytest.mark.parametrize(
    "sentence",
    [
        "The price is 65240.09.",
        "The price is $65,240.09.",
        "It is about $65,240.",
        "Roughly 65.2k dollars.",
        "Near 65,200 dollars.",
        "The fee was $0.0997.",
        "The fee was 0.10 USD.",
        "It fell -1.23% today.",
        "It fell 1.2 percent in 24 h.",
        "The taker fee is 0.40%.",
        "You pay 40 bps.",
        "You hold 0.00038224 BTC.",
        "That was order 17951666785180620.",
        "It happened at 13:37 UTC.",
        "It happened at 14:37:05 Europe/Berlin.",
        "It happened at 2:37 pm.",
        "It was on 2026-11-20.",
        "It was on 20 November 2026.",
        f"See {RECORD}.",
        "You wanted 25 cents, that is $0.25.",
        "You have $1,500.",
        "There are 3 orders.",
        "The card is valid for 120 s.",
        "1. First thing\n2. Second thing",
        "This is the 2nd time.",
        "btcusd moves.",
        "No figures at all.",
    ],
)
def test_supported_figures_pass(sentence: str, evidence: Evidence):
    assert ground(sentence, evidence).withheld == ()


@pytest.mark.parametrize(
    "sentence",
    [
        "The price is 65241.09.",
        "It will be $70,000.",
        "It fell 1.3%.",
        "It rose +1.23%... no, the sum is 131.",
        "The fee was $0.11.",
        "The price is ６５２４１.",
        "The price is ٦٥٢٤١.",
        "That is 1e9 dollars.",
        "It happened at 13:38.",
        "It was on 2026-11-21.",
        "It was on 21 November.",
        "See R-01K9ZB6J3N8Q4T5V7W9X0Y1Z2B.",
        "Proposal P-01K9ZB6J3N8Q4T5V7W9X0Y1Z2A.",
        "That was order 17951666785180621.",
        "That was order 1795166678518062.",
        "You will make $3.",
        "There are 4 orders.",
        "It costs 0.5 dollars.",
        "About 100k.",
        "The zero fee is 0 dollars, or 7.",
        "Digest deadbeef12345678.",
    ],
)
def test_unsupported_figures_are_withheld(sentence: str, evidence: Evidence):
    checked = ground(sentence, evidence)
    assert checked.withheld
    assert NOTE in checked.text


def test_only_the_bad_sentence_goes(evidence: Evidence):
    checked = ground(
        "The price is $65,240.09. It will reach $99,999 soon! You hold 0.00038224 BTC.", evidence
    )
    assert checked.text == f"The price is $65,240.09. {NOTE} You hold 0.00038224 BTC."
    assert [w.unsupported for w in checked.withheld] == [("$99,999",)]


def test_neighbouring_bad_sentences_leave_one_note(evidence: Evidence):
    assert ground("It is 7. It is 8. It is 9.", evidence).text == NOTE


def test_records_named_are_the_citations(evidence: Evidence):
    assert ground(f"It filled ({RECORD}).", evidence).citations == (RECORD,)


def test_a_figure_the_model_put_into_a_readings_arguments_is_no_evidence():
    known = Evidence()
    known.add_result({"entry_price": "70000", "break_even": "70621"}, {"price": "70000"})
    assert ground("It is 70000.", known).withheld
    assert not ground("It is 70621.", known).withheld


def test_what_a_card_says_is_evidence_even_when_the_model_asked_for_it():
    known = Evidence()
    known.add_result({"card": {"wire": {"price": "70000"}}}, {"price": "70000"}, is_write=True)
    assert not ground("The card says 70000.", known).withheld


def test_the_models_own_rationale_is_no_evidence():
    known = Evidence()
    known.add_result({"rationale": "it will be 99999", "kind": "order"}, is_write=True)
    known.add_result({"kind": "chat.answer", "payload_text": "I said 88888"})
    assert ground("99999", known).withheld
    assert ground("88888", known).withheld


def test_hidden_characters_do_not_split_a_figure(evidence: Evidence):
    assert ground("It is 99\u200b999 dollars.", evidence).withheld


@PATIENT
@given(st.text(max_size=300))
def test_sentences_joined_are_the_text(text: str):
    assert "".join(split(text)) == text


@PATIENT
@given(st.text(max_size=200))
def test_no_digit_passes_without_evidence(text: str):
    released = ground(text, Evidence()).text.replace(NOTE, "")
    bare = [word for word in released.split() if word.isdecimal() and len(word) > 3]
    assert bare == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It is 1.5. It is 2.", 2),
        ("E.g. this one, i.e. that one.", 1),
        (f"See {RECORD}. Then more.", 2),
        ("One line\nAnother line", 2),
        ("1. First. Second.", 2),
    ],
)
def test_splitter_keeps_decimals_and_ids_whole(text: str, count: int):
    assert len(split(text)) == count


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
_ULIDS = st.text(_CROCKFORD, min_size=26, max_size=26)
_CLIENT_IDS = st.text(_CROCKFORD.lower(), min_size=26, max_size=26).map(lambda text: f"m-{text}")
_VENUE_IDS = st.integers(10**6, 10**19 - 1).map(str)


@PATIENT
@given(
    digest=_DIGESTS,
    ulids=st.tuples(_ULIDS, _ULIDS),
    client=_CLIENT_IDS,
    ids=st.tuples(_VENUE_IDS, _VENUE_IDS),
)
def test_ids_and_digests_of_a_result_are_supported_whatever_digits_they_hold(
    digest: str, ulids: tuple[str, str], client: str, ids: tuple[str, str]
):
    (proposal, record), (order, trade) = ulids, ids
    consent = f"Decision of person on proposal P-{proposal}: approved, for the bytes with digest {digest}"
    fill = f"Fill {trade} of order {order} (client order {client}): buy 0.00038224 btcusd at 65240.09, taker"
    known = Evidence()
    known.add_result(
        {"steps": [{"record_id": f"R-{record}", "text": consent}, {"record_id": f"R-{record}", "text": fill}]}
    )
    said = f"- {consent} (R-{record})\n- {fill}.\nOrder {order}, digest {digest}; {client}."
    assert ground(said, known).withheld == ()


@PATIENT
@given(_DIGESTS)
def test_a_digest_that_no_result_names_is_withheld(digest: str):
    known = Evidence()
    known.add_result(RESULT)
    if not digest.isdigit() and not digest.isalpha():
        assert ground(f"The digest is {digest}.", known).withheld


_NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-.", min_size=1, max_size=30)


@PATIENT
@given(_NAMES)
def test_a_file_name_in_the_desks_mode_line_is_supported(name: str):
    line = f"PAPER · replay of {name}.txt.gz"
    known = Evidence()
    known.add_result({"mode_line": line, "prices": [{"source": line}]}, is_write=True)
    assert ground(f"You are in paper mode. {line}.", known).withheld == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10 market orders", "You sent 10 market orders."),
        ("you may send 5 orders", "You may send 5 orders."),
        ("recorded on 2021-04-17", "It was recorded on 2021-04-17."),
        ("it was 9:05:07", "It was 09:05:07."),
        ("0x1f", "I cannot read “0x1f”."),
        ("used 20 decimals", "It used 20 decimals."),
        ("a change of 0.0345", "It changed 0.03%."),
        ("a fee of 0.0158", "The fee was $0.02."),
    ],
)
def test_words_and_roundings_of_a_result_are_supported(text: str, said: str):
    known = Evidence()
    known.add_result({"text": text})
    assert ground(said, known).withheld == ()


def test_the_zone_of_a_result_counts_for_its_times():
    known = Evidence()
    known.add_result({"steps": [{"ts": "2026-11-20T13:37:05.123456Z"}], "timezone": "Europe/Berlin"})
    assert ground("It was 2026-11-20 14:37:05.", known).withheld == ()


def test_a_limits_name_that_stands_as_a_key_is_known():
    known = Evidence()
    known.add_result({"limits_used": {"orders_per_rolling_60s": {"used": "1", "limit": "6"}}})
    assert ground("1 of 6 in orders_per_rolling_60s.", known).withheld == ()


def test_the_summary_of_the_chats_own_record_is_no_evidence():
    known = Evidence()
    known.add_result({"records": [{"kind": "chat.answer", "summary": "Answer by app: “it is 88888”"}]})
    assert ground("88888", known).withheld


@given(
    text=st.text(max_size=80),
    digits=st.from_regex(
        r"[-$]?[0-9]{0,50}[.,]?[0-9]{1,50}(?:e[+-]?[0-9]{1,12})?\s?(?:%|bn|cents?|bps|:[0-9]{2} ?pm|th)?",
        fullmatch=True,
    ),
)
def test_ground_never_raises(text: str, digits: str):
    evidence = Evidence()
    evidence.add_person(f"{digits} {text}")
    evidence.add_result({"a_bps": "40", "b": "65000.123456789012345678901234567890", "n": [1, 2]})
    for known in (evidence, Evidence()):
        ground(f"{text} The total is {digits} now. {digits}%", known)


@pytest.mark.parametrize("number", [".5e99999999", "5e-99999999", "9" * 5000, "0e999999999999"])
def test_huge_and_odd_figures_have_no_support(number: str):
    evidence = Evidence()
    evidence.add_result({"a": "1.5", "n": [1]})
    assert ground(f"The total is {number} now.", evidence).withheld


def test_a_quotation_of_the_person_is_supported():
    evidence = Evidence()
    evidence.add_person("buy .5e99999999 btc for 1.000,50")
    answer = "I cannot read “.5e99999999” or “1.000,50” as a number."
    assert ground(answer, evidence).text == answer
    assert ground("I cannot read “70000” as a number.", evidence).withheld
