"""Rows ↔ database: connections, columns, inserts, migrations, and the words of a failure."""
