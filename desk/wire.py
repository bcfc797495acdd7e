"""What reaches the venue: one client, one key, one source of nonces."""

from __future__ import annotations

from dataclasses import dataclass

from venues.gemini.client import Credentials, GeminiRest
from venues.gemini.session.nonce import NonceSource


@dataclass(frozen=True, slots=True)
class Wire:
    """The three belong together: a nonce of another key would be refused."""

    rest: GeminiRest
    credentials: Credentials
    nonces: NonceSource
