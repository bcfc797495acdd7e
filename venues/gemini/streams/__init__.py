"""The new WebSocket API, read only: what is asked, what comes, and the books made of it."""
