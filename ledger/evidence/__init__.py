"""Evidence: one file that proves a cycle to somebody who does not trust this server.

`build` makes it from what a step read; `verify` needs no database, only a chain and, better, a
deployment file that came from elsewhere.
"""
