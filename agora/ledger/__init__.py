"""The append-only record as pure functions: canonical bytes, salted bodies, the hash chain."""
