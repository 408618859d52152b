"""Printout → requests: a file is kept as it came, and each cycle in it becomes an act."""
