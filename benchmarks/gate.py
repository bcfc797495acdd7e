"""How many orders the gate judges a second on one core, all rules, checks and numbers included."""

from __future__ import annotations

import time

from guardrails.gate import RULES, decide
from tests.guardrails.world import LIMITS, NOW, draft, sale, snapshot

DECISIONS = 10_000
ROUNDS = 5
TARGET_PER_S = 20_000


def run() -> dict[str, object]:
    """Return decisions a second (best of the rounds, CPU time) for an allowed, a refused and a sale order."""
    world = snapshot()
    cases = {"allowed": draft(), "refused": draft(amount=draft().amount * 100), "exit": sale()}
    found: dict[str, object] = {"rules": len(RULES), "target_per_s": TARGET_PER_S}
    for name, order in cases.items():
        best = 0.0
        for _ in range(ROUNDS):
            start = time.process_time()
            for _ in range(DECISIONS):
                decide(order, world, LIMITS, NOW)
            best = max(best, DECISIONS / (time.process_time() - start))
        found[f"{name}_per_s"] = round(best)
    found["ok"] = all(found[f"{name}_per_s"] >= TARGET_PER_S for name in cases)  # type: ignore[operator]  # ints
    return found


if __name__ == "__main__":
    print(run())
