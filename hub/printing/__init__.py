"""Paper: pickup slips, labels and count sheets, from what the store knows to a printer's queue."""
