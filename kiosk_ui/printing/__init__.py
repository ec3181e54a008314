"""Paper on the screens: the panel beside an order, the page of all printers."""
