"""What should happen: the plan, how it is read, and everything that can be wrong with it."""
