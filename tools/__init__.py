"""Deterministic tools: fee maths, pair selection, order building, recall, and the registry the model sees."""
