"""Mined → index: final blocks become rows, and what they hold becomes final."""
