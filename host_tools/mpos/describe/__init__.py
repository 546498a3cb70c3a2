"""Names and decoders for everything that the reader, the card and the host say to each other; masked, always."""
