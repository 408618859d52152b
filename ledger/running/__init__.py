"""The processes of `steriledger up`, and what they tell of themselves."""
