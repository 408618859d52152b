"""Everything that is kept → held against the chain and against itself; differences are named."""
