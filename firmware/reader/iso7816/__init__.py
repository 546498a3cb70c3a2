"""ISO/IEC 7816-3: the transmission protocols of contact cards, over a line of characters (reader/ports.py)."""
