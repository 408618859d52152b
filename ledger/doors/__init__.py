"""What every door to the outside has in common: how long it waits, and how often it answers."""
