"""ISO/IEC 7811: the magnetic stripe, from times between flux reversals or a head's bits to the characters of a track."""
