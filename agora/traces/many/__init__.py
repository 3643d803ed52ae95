"""Many runs in figures: folded from the ledger in one pass, as values, as a page, as a list."""
