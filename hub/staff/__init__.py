"""Who works here and who is signed in: names, PINs, badges are records and never facts."""
