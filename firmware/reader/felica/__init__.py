"""FeliCa: services and their blocks."""
