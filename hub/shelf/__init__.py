"""The shop floor as it stands: places and what belongs there, shelf sensors, RFID tags."""
