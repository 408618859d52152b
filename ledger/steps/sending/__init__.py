"""Owed → mined: batches, transactions, and every way back when one of them fails."""
