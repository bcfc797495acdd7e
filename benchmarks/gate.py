"""How many orders the gate judges a second on one core, all rules, checks and numbers included."""

from __future__ import annotations

import time

from benchmarks.figures import Figure
from domain.order import OrderDraft
from guardrails.gate import RULES, decide
from guardrails.snapshot import Snapshot
from tests.guardrails.world import LIMITS, NOW, draft, sale, snapshot

DECISIONS = 10_000
ROUNDS = 5
TARGET_PER_S = 20_000


def run() -> list[Figure]:
    """Return decisions a second (best of the rounds, CPU time) for an allowed, a refused and a sale order."""
    world = snapshot()
    cases = {"allowed buy": draft(), "refused buy": draft(amount=draft().amount * 100), "sale": sale()}
    return [
        _figure(name, max(_per_second(order, world) for _ in range(ROUNDS))) for name, order in cases.items()
    ]


def _per_second(order: OrderDraft, world: Snapshot) -> float:
    start = time.process_time()
    for _ in range(DECISIONS):
        decide(order, world, LIMITS, NOW)
    return DECISIONS / (time.process_time() - start)


def _figure(name: str, per_second: float) -> Figure:
    return Figure(
        name=f"decisions on an {name}" if name[0] == "a" else f"decisions on a {name}",
        shown=f"{per_second:,.0f}/s",
        target=f">= {TARGET_PER_S:,}/s",
        met=per_second >= TARGET_PER_S,
        how=f"{len(RULES)} rules, best of {ROUNDS} rounds, one core",
    )
