"""What is asked of a chain, which chain it is, and when its blocks are final."""
