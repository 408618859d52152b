"""The routes, one module for each thing that callers ask about."""
