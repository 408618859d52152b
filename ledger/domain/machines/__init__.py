"""Readings → what a machine reported, and what that means against a named profile."""
