"""The pickup counter: board, order page, scans from a keyboard wedge."""
