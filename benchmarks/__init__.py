"""What the house costs in time and memory; `make bench` runs it."""
