"""ISO/IEC 14443: what a card says of itself when it is activated."""
