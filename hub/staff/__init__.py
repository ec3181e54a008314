"""Who works here and who is signed in: names, PINs and badges are records and never facts."""
