"""SteriLedger: who held what and which duties were done, with proof."""
