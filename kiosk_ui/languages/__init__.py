"""The screens' languages: which there are, which one is asked for, what a sentence is in it."""
