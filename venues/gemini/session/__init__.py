"""What one key shares over all its requests: nonces, turns, pace, the clock, heartbeats."""
