"""Clearing: trades agreed elsewhere and settled by the venue.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.rows import private

ROWS: Final = (
    private("clearing_new", "/v1/clearing/new", roles="T", scope="clearing:create", money="$$", tier=2),
    private(
        "clearing_confirm", "/v1/clearing/confirm", roles="T", scope="clearing:create", money="$$", tier=2
    ),
    private("clearing_cancel", "/v1/clearing/cancel", roles="T", scope="clearing:create", money="w", tier=2),
    private("clearing_status", "/v1/clearing/status", roles="T/A", scope="clearing:read", tier=2),
    private("clearing_list", "/v1/clearing/list", roles="T", scope="clearing:read", tier=2),
    private("broker_new", "/v1/clearing/broker/new", roles="T", scope="clearing:create", money="$$", tier=2),
    private("broker_list", "/v1/clearing/broker/list", roles="T", scope="clearing:read", tier=2),
    private("clearing_trades", "/v1/clearing/trades", roles="T", scope="clearing:read", tier=2),
)
