"""What a wall screen may show of the orders: codes and shelves."""
