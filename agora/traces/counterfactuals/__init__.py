"""Auctions decided again under another rule, from what is on record of them."""
