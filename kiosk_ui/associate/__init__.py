"""The associate's phone: what is to be done, a wave to pick, an article looked up."""
