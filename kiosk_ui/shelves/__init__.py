"""The floor plan on a screen: places in walking order, what belongs there, sensors, inventories."""
