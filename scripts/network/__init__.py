"""A network of four validators on this machine: the node built, founded, run and misused."""
