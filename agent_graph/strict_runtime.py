"""Settings of langgraph and langchain that must stand before either is imported.

Strict decoding of checkpoints (a stored type that is not listed is never imported or called), and no
tracing to a service on the internet, whatever the environment says.
"""

from __future__ import annotations

import os

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
for _name in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2", "LANGCHAIN_TRACING"):
    os.environ[_name] = "false"


def assert_strict() -> None:
    """Stop the start-up when checkpoints would be decoded permissively."""
    from langgraph.checkpoint.serde import _msgpack

    if not _msgpack.STRICT_MSGPACK_ENABLED:
        raise RuntimeError(
            "langgraph was imported before agent_graph.strict_runtime; checkpoints would load any type"
        )
