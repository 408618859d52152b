"""Packages: what was done with each, who has it, and what may be done with it now; pure."""
