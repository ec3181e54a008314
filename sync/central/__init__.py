"""The reference central inventory: one retailer, many stores."""
