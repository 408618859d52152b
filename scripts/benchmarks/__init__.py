"""What `make bench` measures: a module for each part, a function for each comparison."""
