"""Runs beside the hardware: publishes what a device saw, and never decides what it means."""
