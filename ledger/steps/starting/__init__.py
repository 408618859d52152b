"""Home → instance with a chain, its contracts and the lease of the one that writes to it."""
