"""Accounts, keys, tokens, staking.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.rows import private, site

_NAMES: Final = "Field names are those of the venue's OpenAPI file; none was recorded."
_SITE: Final = "The site stands under /web on the embedded exchange."
_STAKE: Final = "providerId*: uuid, currency*: currency, amount*: decimal"

ROWS: Final = (
    private("account", "/v1/account", roles="any", scope="account:read", answer="AccountDetail"),
    private(
        "account_create",
        "/v1/account/create",
        roles="m:Adm",
        money="w",
        is_repeatable=False,
        request="name*: text, type: exchange/custody",
        answer="AccountCreated",
        sim="A group has at most 100 accounts; letters a-z, digits and dashes of a name make its short name.",
    ),
    private(
        "account_rename",
        "/v1/account/rename",
        roles="Adm",
        money="w",
        request="newName: text, newAccount: text",
        answer="AccountRenamed",
    ),
    private(
        "account_list",
        "/v1/account/list",
        roles="m:any",
        scope="account:read",
        request="limit_accounts: int, timestamp: time",
        answer="[AccountInGroup]",
        sim="The newest accounts made until the timestamp, the oldest of them first.",
    ),
    private("roles", "/v1/roles", roles="any", scope="any", answer="HeldRoles"),
    private(
        "revoke_token",
        "/v1/oauth/revokeByToken",
        roles="any",
        scope="any",
        money="w",
        answer="Message",
        sim="Ends all codes and tokens of the token's app on the account; a key that signs is InvalidApiKey.",
    ),
    private(
        "stake",
        "/v1/staking/stake",
        roles="T/FM",
        money="$$",
        request=_STAKE,
        answer="Staked",
        tier=2,
        sim=_NAMES + " One provider; the limit of the rates is per 30 days, past it AccountLimitExceeded.",
    ),
    private(
        "unstake",
        "/v1/staking/unstake",
        roles="T/FM",
        money="$$",
        request=_STAKE,
        answer="Unstaked",
        tier=2,
        sim=_NAMES + " What is given back is available at once.",
    ),
    private(
        "staking_history",
        "/v1/staking/history",
        roles="T/FM/A",
        scope="history:read",
        request="since: time | instant, until: time | instant, limit: int, providerId: uuid, "
        "currency: currency, interestOnly: bool, sortAsc: bool",
        answer="[StakingHistory]",
        tier=2,
        sim=_NAMES + " Interest of a day is paid at midnight UTC on what is staked then.",
    ),
    private(
        "staking_rewards",
        "/v1/staking/rewards",
        roles="T/FM/A",
        scope="history:read",
        request="since*: time | instant, until: time | instant, providerId: uuid, currency: currency",
        answer="map(map(StakingRewards))",
        tier=2,
        sim=_NAMES + " Interest of a day is paid at midnight UTC on what is staked then.",
    ),
    site("site_page", "/", sim=_SITE),
    site(
        "oauth_authorize",
        "/auth",
        query="client_id*: text, response_type*: 'code', redirect_uri*: text, state: text, scope*: text, "
        "code_challenge: text, code_challenge_method: text",
        sim="Nobody signs in: the page asks for consent only. " + _SITE,
    ),
    site(
        "oauth_token",
        "/auth/token",
        method="POST",
        request="client_id*: text, client_secret: text, code: text, refresh_token: text, redirect_uri: text, "
        "grant_type*: authorization_code/refresh_token, code_verifier: text",
        answer="Token",
        is_repeatable=False,
        sim="Form-encoded or JSON, as older pages of the venue have it. " + _SITE,
    ),
)
