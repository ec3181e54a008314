"""The personal data of customers, kept apart so that it can be erased."""
