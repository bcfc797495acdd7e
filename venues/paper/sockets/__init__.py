"""The sockets: order events, market data, and the newer WebSocket API."""
