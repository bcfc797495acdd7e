"""The HTTP edge: routing, bodies, pages, faults around a request."""
