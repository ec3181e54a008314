"""The printer's side: a document becomes dots, and dots become paper at most once."""
