"""What a barcode or a tag says in the GS1 system: item numbers, element strings, links, EPCs.

It must never read a clock, a file or the network, and never guess an item number whose check
digit is wrong.

    normalize("614141000036")              -> "00614141000036"
    read("]d2010703206980498810ABC").lot   -> "ABC"
    decode_epc("303435fc8803d056d15b963f") -> Epc(gtin="00884514039059", …)
"""

from hub.gs1.carrier import Meaning, read
from hub.gs1.epc import Epc, decode_epc, encode_sgtin96
from hub.gs1.gtin import check_digit, compress_upce, expand_upce, is_valid_gtin, normalize

__all__ = [
    "Epc",
    "Meaning",
    "check_digit",
    "compress_upce",
    "decode_epc",
    "encode_sgtin96",
    "expand_upce",
    "is_valid_gtin",
    "normalize",
    "read",
]
