"""The screens and the HTTP API: parse, call, render, and never decide."""
