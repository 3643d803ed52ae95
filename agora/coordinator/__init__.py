"""Who may bid: screening and policies."""
