"""The day at the counter: who did not come, what is overdue, how long it all took."""
