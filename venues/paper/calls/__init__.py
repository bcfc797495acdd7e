"""What answers the REST calls of trading and of accounts."""
