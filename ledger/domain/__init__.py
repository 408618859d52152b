"""The pure core: records, commitments, operations, profiles, states; no I/O and no clock."""
