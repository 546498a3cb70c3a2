"""MIFARE: what cards without ISO/IEC 14443-4 are asked to do."""
