"""The link to the load-cell boards: bytes on a serial line in, frames with host time out."""
