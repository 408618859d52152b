"""One computed object → the forms in which people and programs take it; nothing is computed."""
