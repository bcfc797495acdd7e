"""Wires to exchanges, and the embedded one."""
