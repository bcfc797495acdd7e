"""What every loopback server of ours shares: the request guard, private files, and serving."""
