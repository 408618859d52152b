"""Values → the bytes that are hashed, signed and sent, and back."""
