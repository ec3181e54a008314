"""Work for people - pick, count, re-shelve - opened and closed by facts."""
