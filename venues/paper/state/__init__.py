"""What survives a stop: the database, documents, duties that fall due."""
