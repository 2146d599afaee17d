"""Cameras, videos and scenes as sources of frames; `open_frames` alone picks which."""
