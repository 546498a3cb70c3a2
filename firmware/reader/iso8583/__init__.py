"""ISO 8583: an engine over tables, the dialects as data, the messages this reader sends."""
