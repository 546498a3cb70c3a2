"""Three tracks of one test card."""

TRACK_1 = "B6212340000000005003^TEST/CARD^3012120000001234"
TRACK_2 = "6212340000000005003=30121200000123"
# Format, account; country, currency, amounts and cycle, no PIN parameters, control and types, expiry, the rest
TRACK_3 = f"99{TRACK_2[:19]}=156156{'0' * 16}={'1' * 7}3012{'7' * 9}"
