"""What `make bench` measures: one module for each part of the ledger, one function for each figure."""
