"""Index or chain, and terms → accounts: computed, published, answered, and computed again."""
