"""Documents: what is put, found again, and written with the operation that changed it."""

from decimal import Decimal
from pathlib import Path

import pytest

from venues.paper.matching.refusals import RefusedError
from venues.paper.server import RunningExchange
from venues.paper.state.documents import Documents
from venues.paper.state.store import Store


def stored(running: RunningExchange) -> Documents:
    return Documents(running.exchange.store.documents())


def put_and_raise(running: RunningExchange, error: Exception) -> None:
    """Run an operation that puts a document and then ends in `error`."""
    with running.exchange.operation():
        running.exchange.documents.put("quote", "a", "desk", {"key": "a"})
        raise error


def test_documents_keep_the_order_in_which_they_were_first_put() -> None:
    documents = Documents()
    for key in ("b", "a", "c"):
        documents.put("quote", key, "desk", {"key": key})
    documents.put("quote", "b", "desk", {"key": "b", "is_used": True})
    documents.put("quote", "d", "stranger", {"key": "d"})
    documents.remove("quote", "a")
    documents.remove("quote", "never")
    assert [body["key"] for body in documents.of("quote")] == ["b", "c", "d"]
    assert documents.of("quote", "desk") == [{"key": "b", "is_used": True}, {"key": "c"}]
    assert documents.items("quote")[-1] == ("d", {"key": "d"})
    assert documents.of("other") == []
    assert documents.get("quote", "a") is None
    assert documents.get("other", "a") is None


def test_body_handed_out_is_a_copy() -> None:
    documents = Documents()
    given = {"steps": [1]}
    documents.put("kind", "key", "desk", given)
    given["steps"].append(2)
    found = documents.get("kind", "key") or {}
    found["steps"].append(3)
    assert documents.of("kind") == [{"steps": [1]}]


@pytest.mark.parametrize("body", [{"amount": Decimal(1)}, {"at": object()}])
def test_body_that_is_no_json_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        Documents().put("kind", "key", "desk", body)


async def test_documents_are_written_with_their_operation(running: RunningExchange) -> None:
    exchange = running.exchange
    with exchange.operation():
        for key in ("z", "y", "x"):
            exchange.documents.put("quote", key, "desk", {"key": key})
        assert stored(running).of("quote") == []
    assert [body["key"] for body in stored(running).of("quote")] == ["z", "y", "x"]
    with exchange.operation():
        exchange.documents.remove("quote", "y")
        exchange.documents.put("quote", "z", "desk", {"key": "z", "is_used": True})
    assert stored(running).of("quote") == [{"key": "z", "is_used": True}, {"key": "x"}]
    assert exchange.documents.pending == {}


async def test_refusal_keeps_what_the_operation_had_done(running: RunningExchange) -> None:
    with pytest.raises(RefusedError):
        put_and_raise(running, RefusedError("System", "later"))
    assert stored(running).of("quote") == [{"key": "a"}]


async def test_failure_leaves_the_disk_as_it_was(running: RunningExchange) -> None:
    with pytest.raises(KeyError):
        put_and_raise(running, KeyError("a"))
    assert stored(running).of("quote") == []
    assert running.exchange.fault is not None


def test_numbers_go_on_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    for key in ("first", "second", "third"):
        store = Store(path)
        documents = Documents(store.documents())
        documents.put("kind", key, "", {"key": key})
        with store.transaction():
            store.write_documents(documents.pending)
        store.close()
    store = Store(path)
    assert [body["key"] for body in Documents(store.documents()).of("kind")] == ["first", "second", "third"]
    store.close()
