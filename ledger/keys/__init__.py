"""Keys: signing and checking signatures, and the vault that encrypts secrets at rest."""
