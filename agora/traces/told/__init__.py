"""The story of a run, from its events alone, and how it is worded."""
