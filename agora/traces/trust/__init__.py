"""Is this the ledger that was signed? Keys, checkpoints, where they are kept, proofs, verification."""
