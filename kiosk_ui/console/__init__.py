"""The console for field IT: line, devices, quarantine, health."""
