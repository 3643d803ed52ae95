"""The auction in simulation: its agents are numbers, its rules are the market's own."""
