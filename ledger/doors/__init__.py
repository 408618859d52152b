"""What every door to the outside has in common: what it reads, how long it waits, who gets in."""
