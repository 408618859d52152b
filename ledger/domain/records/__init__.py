"""Facts → a record with its schema, its commitment and how long it is kept."""
