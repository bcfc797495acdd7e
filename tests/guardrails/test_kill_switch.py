"""The latch: every move from every state by everybody."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from domain.errors import LockedError
from guardrails.kill_switch import Actor, Latch
from guardrails.snapshot import KillState
from tests.guardrails.world import NOW

LATER = NOW + timedelta(seconds=5)
A, R, H = KillState.ACTIVE, KillState.REDUCING, KillState.HALTED
ERROR = "error"

TABLE = {
    ("stop", Actor.PERSON): {A: R, R: R, H: H},
    ("stop", Actor.MODEL): {A: H, R: R, H: H},
    ("stop", Actor.AGENT): {A: H, R: H, H: H},
    ("stop", Actor.GUARD): {A: H, R: H, H: H},
    ("halt", Actor.PERSON): {A: H, R: H, H: H},
    ("halt", Actor.MODEL): {A: H, R: R, H: H},
    ("halt", Actor.AGENT): {A: H, R: H, H: H},
    ("halt", Actor.GUARD): {A: H, R: H, H: H},
    ("begin_reducing", Actor.PERSON): {A: R, R: R, H: R},
    ("begin_reducing", Actor.MODEL): {A: ERROR, R: ERROR, H: ERROR},
    ("begin_reducing", Actor.AGENT): {A: ERROR, R: ERROR, H: ERROR},
    ("begin_reducing", Actor.GUARD): {A: ERROR, R: ERROR, H: ERROR},
    ("release", Actor.PERSON): {A: A, R: ERROR, H: A},
    ("release", Actor.MODEL): {A: ERROR, R: ERROR, H: ERROR},
    ("release", Actor.AGENT): {A: ERROR, R: ERROR, H: ERROR},
    ("release", Actor.GUARD): {A: ERROR, R: ERROR, H: ERROR},
}
MOVES = ("stop", "halt", "begin_reducing", "release")


def latch(state: KillState) -> Latch:
    return Latch(state=state, reason="before", since=NOW, actor=Actor.GUARD)


def test_table_covers_everything() -> None:
    assert set(TABLE) == set(product(MOVES, Actor))
    assert all(set(row) == set(KillState) for row in TABLE.values())


@pytest.mark.parametrize(("move", "actor", "state"), list(product(MOVES, Actor, KillState)))
def test_move_ends_where_the_table_says(move: str, actor: Actor, state: KillState) -> None:
    before, expected = latch(state), TABLE[move, actor][state]
    if expected == ERROR:
        with pytest.raises(LockedError) as caught:
            getattr(before, move)(actor, "why", LATER)
        assert caught.value.code in {"PERSON_ONLY", "STILL_REDUCING"}
        return
    after = getattr(before, move)(actor, "why", LATER)
    assert after.state is expected
    if expected is state:
        assert after == before
    else:
        assert (after.reason, after.since, after.actor) == ("why", LATER, actor)


def test_nobody_but_a_person_ever_gets_closer_to_active() -> None:
    order = [A, R, H]
    for (_, actor), row in TABLE.items():
        for state, after in row.items():
            if actor is not Actor.PERSON and after != ERROR:
                assert order.index(after) >= order.index(state)
