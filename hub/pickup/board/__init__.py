"""The board of orders: cards by state, the most urgent first, and who is coming."""
