"""Time and the people in the markets: seeded, or replayed from a recording."""
