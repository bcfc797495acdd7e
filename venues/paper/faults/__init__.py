"""Faults on demand, from a file or the control route."""
