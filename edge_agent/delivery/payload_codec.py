"""How an event rests in the outbox: its wire bytes, deflated against a dictionary of what every event says.

The first byte of a stored payload tells the format, so that a later dictionary can stand beside this one. Never
change ``DICTIONARY_1``: rows of an outbox in the field are readable by it alone.
"""

import zlib
from typing import Final

from edge_agent.delivery.wire import MAX_MESSAGE_BYTES

PLAIN: Final = b"\x00"
DEFLATED_1: Final = b"\x01"

DICTIONARY_1: Final = (
    b'"corrects":"","historical":true,"evidence":["sha256:"correctionreconciledrestockremovecountexchangestaff'
    b'maintenancewarming_upclosed"review","reasons":["ambiguous","low_confidence","unknown_item","witness_missing"]'
    b'"gtin":"40"position_sigma_mm":"hands":1,"clock":{"quality":"unsynchronised"}"unknown"}'
    b'{"specversion":"1.0","id":"0","source":"shelf/","type":"shelf.item.v1","subject":"shelf-","time":"2026-11-'
    b'","recordedtime":"2026-11-","sequence":"00000000000000000","data":{"act_id":"","kind":"put_back","mode":'
    b'"selling","items":[{"sku":"","quantity":-1,"gtin":"4","lane":""}],"confidence":1.0,"alternatives":[{"items":'
    b'[{"sku":"","quantity":1,"lane":""}],"probability":0.99},{"items":[{"sku":"","quantity":-1,"lane":""},{"sku":"'
    b'","quantity":-2,"lane":""}],"probability":0.0},{"items":[],"probability":0.00}],"grams":-,"sigma_g":0.'
    b',"started":"2026-11-","ended":"2026-11-","decision":{"verdict":"auto"},"revisions":{"planogram":1,'
    b'"catalogue":1,"calibration":{"":1},"software":"0.1.0"},"boot_id":"","clock":{"quality":"synchronised",'
    b'"max_error_s":0.0},"lane":"","position_mm":,"position_sigma_mm":,"stock_before":{"":{"":1}},"stock_after":{"":'
    b'{"":}},"hands":0,"witnesses":["weight","position","camera"],"witnesses_missing":["camera"]},'
    b'"datacontenttype":"application/json"}'
)
"""What repeats in every event, the most frequent at the end, where zlib finds it cheapest (2026-11)."""


def pack(payload: bytes) -> bytes:
    """Return the payload as the outbox stores it: whichever form is shorter."""
    # zlib's own wrapper rather than raw deflate: its checksum tells a worn card's row from an event.
    deflater = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 8, zlib.Z_DEFAULT_STRATEGY, DICTIONARY_1)
    packed = DEFLATED_1 + deflater.compress(payload) + deflater.flush()
    return packed if len(packed) <= len(payload) else PLAIN + payload


def unpack(stored: bytes) -> bytes:
    """Return the wire bytes of a stored payload.

    Raises
    ------
    ValueError
        When the bytes are not what `pack` wrote; a damaged row cannot expand beyond a message's size.
    """
    if stored[:1] == PLAIN:
        return stored[1:]
    if stored[:1] != DEFLATED_1:
        raise ValueError("stored payload is of an unknown format")
    inflater = zlib.decompressobj(zlib.MAX_WBITS, DICTIONARY_1)
    try:
        payload = inflater.decompress(stored[1:], MAX_MESSAGE_BYTES)
    except zlib.error as error:
        raise ValueError(f"stored payload is damaged: {error}") from error
    if not inflater.eof:
        raise ValueError("stored payload is cut off or too large")
    return payload
