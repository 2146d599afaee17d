"""Devices made into messages; app.py alone picks which."""
