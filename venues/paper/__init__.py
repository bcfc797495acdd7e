"""The embedded exchange: a matching engine that speaks the Gemini wire on loopback."""
