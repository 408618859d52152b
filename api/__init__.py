"""The HTTP API: routes parse, call one step, and render."""
