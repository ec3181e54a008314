"""Why a SKU's number is what it is: its moves, who may promise it, and what central knows."""
