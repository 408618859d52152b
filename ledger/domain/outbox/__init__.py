"""Owed operations → batches, and the states that each goes through."""
