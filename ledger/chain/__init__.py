"""Everything that speaks to a chain: node, deployment, calldata, embedded chain, gateway."""
