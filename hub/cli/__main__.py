"""Lets `python -m hub.cli` be `storehub`; it must never do more."""

from hub.cli import main

main()
