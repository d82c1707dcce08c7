"""A store that never was, with planted age preferences: known truth to hold the analysis to, and a load."""
