"""Readings of real machines: raw bytes → what the file says, and what could not be read."""

from ledger.readings.files import FORMATS, MAX_FILE_BYTES, MAX_FILLED_LINES, read_file
from ledger.readings.zones import utc_from_local, zone_named

__all__ = [
    "FORMATS",
    "MAX_FILE_BYTES",
    "MAX_FILLED_LINES",
    "read_file",
    "utc_from_local",
    "zone_named",
]
