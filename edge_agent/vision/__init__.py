"""What a camera's frames tell of a shelf: masked first, then hands, changes and appearances as log-likelihoods.

Pure functions of frames whose instants are given; no device, no clock, no file.
"""
