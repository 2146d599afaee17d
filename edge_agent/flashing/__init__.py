"""Firmware for boards: images as files, what may be written where, and the programmer that writes them."""
