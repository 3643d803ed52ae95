"""What auctions cost and bring, measured: in simulation, and on a user's own agents and tasks."""
