"""How a new device comes in without internet: a code that lives ten minutes and opens once.

It must never keep a code or a secret that can be read back.
"""
