"""Evidence: one file that proves something recorded to somebody who does not trust this server.

bytes → format → shape → belonging (what is about the subject, and what that rests on) → offline
(signatures, the replay by the contracts' own rules, records) → onchain → report → words.  `build`
goes the other way, from what a step read, and verifies what it made.  `verify` needs no database,
only a node of the chain and a deployment file that came from elsewhere.
"""
