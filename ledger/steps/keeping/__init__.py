"""Instance → backup, and back again; what is old is dropped."""
