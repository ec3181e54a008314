"""Products, prices and barcodes as central gave them: a replica that the hub never edits."""
