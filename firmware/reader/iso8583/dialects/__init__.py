"""One file per acquirer's dialect of ISO 8583."""
