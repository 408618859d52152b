"""Duties: what was done, what was not, and what nobody recorded; never fault, never cause."""
