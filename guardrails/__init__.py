"""The hard rules: limits, the gate, the sandbox lock, the kill latch, consent and redaction.

Standard library only, synchronous, pure: everything a rule needs is an argument.
"""
