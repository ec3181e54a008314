"""How customers felt about their pickup: a score, and what was good."""
