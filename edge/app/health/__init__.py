"""How the appliance is doing: coverage, conditions, checks and the enhancement budget."""
