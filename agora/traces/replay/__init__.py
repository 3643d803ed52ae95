"""Every decision of a run made again from the ledger alone, and compared."""
