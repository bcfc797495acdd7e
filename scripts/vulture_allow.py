"""What vulture cannot see used, each with its reason. `make check` reads this beside the code."""
