"""What auctions cost and bring, measured: the simulation, whose parameters stand in parameters.py."""
