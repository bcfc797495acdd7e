"""Chat models behind one port; `make_model` picks one by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import BadInputError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

NAMES = ("auto", "offline", "gemini")


def make_model(
    name: str = "auto",
    *,
    gemini_key: str | None = None,
    gemini_model: str | None = None,
    base_url: str | None = None,
) -> BaseChatModel:
    """Return the chat model `name`: `offline`, `gemini`, or `auto` (Gemini when there is a key).

    The key is an argument; wiring decides where it comes from. `gemini_model` overrides the dated
    configuration's default, `base_url` the service's address (tests). Raises `BadInputError`.
    """
    if name not in NAMES:
        raise BadInputError(
            "NO_SUCH_MODEL", f"there is no chat model {name!r}", f"Use one of {', '.join(NAMES)}."
        )
    if name == "gemini" and not gemini_key:
        raise BadInputError("NO_GEMINI_KEY", "Gemini needs a key", "Set GEMINI_API_KEY, or use offline.")
    if name == "offline" or not gemini_key:
        from agent_graph.models.offline.planner import OfflinePlanner

        return OfflinePlanner()
    from agent_graph.models.gemini import make_gemini

    return make_gemini(gemini_key, model=gemini_model, base_url=base_url)
