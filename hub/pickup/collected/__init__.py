"""Orders that their customers have collected, for whoever brings something back."""
