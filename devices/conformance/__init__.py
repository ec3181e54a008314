"""Lets a vendor test a device against the contract: watches it, provokes it, says what to mend.

It must never pass a rule that it did not see tried: what did not happen is "not seen".
"""
