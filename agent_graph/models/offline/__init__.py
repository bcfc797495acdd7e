"""The offline planner: understands requests by local matching and slot filling, deterministic, no model."""
