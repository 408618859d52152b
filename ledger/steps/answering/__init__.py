"""Index and records → what people are shown and take away."""
