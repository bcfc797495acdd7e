"""The journal: the desk's durable, chained memory."""
