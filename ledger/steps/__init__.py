"""The steps: each module is one arrow, each call one transaction."""
