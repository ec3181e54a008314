"""The store's truth: facts are appended here, and everything shown or sent is derived from them."""
