"""The start page: this floor, live, and what to try."""
