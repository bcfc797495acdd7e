"""Accounts, keys, tokens, staking.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.rows import private

ROWS: Final = (
    private("account", "/v1/account", roles="any", scope="account:read"),
    private("account_create", "/v1/account/create", roles="m:Adm", money="w"),
    private("account_rename", "/v1/account/rename", roles="Adm", money="w"),
    private("account_list", "/v1/account/list", roles="m:any", scope="account:read"),
    private("roles", "/v1/roles", roles="any"),
    private("revoke_token", "/v1/oauth/revokeByToken", roles="any", money="w"),
    private("stake", "/v1/staking/stake", roles="T/FM", money="$$", tier=2),
    private("unstake", "/v1/staking/unstake", roles="T/FM", money="$$", tier=2),
    private("staking_history", "/v1/staking/history", roles="T/FM/A", scope="history:read", tier=2),
    private("staking_rewards", "/v1/staking/rewards", roles="T/FM/A", scope="history:read", tier=2),
)
