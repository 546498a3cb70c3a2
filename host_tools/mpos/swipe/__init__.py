"""Recordings of swipes: read, decoded by the firmware's own decoder, told and drawn with card data masked."""
