"""The inside of a contact chip card, byte by byte: answer to reset, T=0, T=1. `mpos.bench.icc_chip` puts it together."""
