"""The kill latch: `active` -> `reducing` -> `halted`. Pure; the desk stores each new latch before it acts.

`reducing` lets only cancels and reductions through, `halted` only cancels. Everybody may stop, nobody but
a person may sell on the way or release it. From / by     person                 agent, guard     model
    stop       active        reducing               halted           halted
               reducing      reducing               halted           reducing (the person's stop goes on)
               halted        halted                 halted           halted
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import LockedError
from guardrails.snapshot import KillState


class Actor(StrEnum):
    """Who moves the latch; stamped by the desk from the token, never from a request's text."""

    PERSON = "person"
    MODEL = "model"
    AGENT = "agent"
    GUARD = "guard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """The state, why and since when it holds, and who moved it there. Every move returns a new latch."""

    state: KillState
    reason: str
    since: datetime
    actor: Actor

    def stop(self, actor: Actor, reason: str, now: datetime) -> Latch:
        """Return the latch after a stop: a person's begins reducing, anybody else's halts at once."""
        if actor is Actor.PERSON and self.state is KillState.ACTIVE:
            return Latch(state=KillState.REDUCING, reason=reason, since=now, actor=actor)
        if actor is Actor.PERSON:
            return self
        return self.halt(actor, reason, now)

    def begin_reducing(self, actor: Actor, reason: str, now: datetime) -> Latch:
        """Return a latch that lets reductions through, for a flatten that a person approved.

        Raises `LockedError("PERSON_ONLY", ...)` for anybody else.
        """
        _person_only(actor, "begin to flatten")
        if self.state is KillState.REDUCING:
            return self
        return Latch(state=KillState.REDUCING, reason=reason, since=now, actor=actor)

    def halt(self, actor: Actor, reason: str, now: datetime) -> Latch:
        """Return the halted latch. Halting twice keeps the first reason.

        A model cannot cut a person's flatten short: by a model, `reducing` stays.
        """
        if self.state is KillState.HALTED or (actor is Actor.MODEL and self.state is KillState.REDUCING):
            return self
        return Latch(state=KillState.HALTED, reason=reason, since=now, actor=actor)

    def release(self, actor: Actor, reason: str, now: datetime) -> Latch:
        """Return the active latch. Raises `LockedError`: only a person, and only once it is halted."""
        _person_only(actor, "release the desk")
        if self.state is KillState.REDUCING:
            raise LockedError(
                "STILL_REDUCING",
                "positions are still being reduced",
                "Wait until the desk is halted, then release.",
            )
        if self.state is KillState.ACTIVE:
            return self
        return Latch(state=KillState.ACTIVE, reason=reason, since=now, actor=actor)


def _person_only(actor: Actor, what: str) -> None:
    if actor is not Actor.PERSON:
        raise LockedError("PERSON_ONLY", f"only a person may {what}", "Use the page, or matrix release.")
