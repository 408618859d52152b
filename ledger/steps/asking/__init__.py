"""Token → caller, and the same request again → the same answer."""
