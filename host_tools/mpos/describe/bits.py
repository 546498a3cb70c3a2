"""Bits of the data objects that are made of them: (byte from 1, mask, what it means when set)."""

_Bits = tuple[tuple[int, int, str], ...]

# EMV 4.4 Book 3, annex C5
TVR: _Bits = (
    (1, 0x80, "offline data authentication was not performed"),
    (1, 0x40, "static data authentication failed"),
    (1, 0x20, "data of the chip are missing"),
    (1, 0x10, "card is on the exception file"),
    (1, 0x08, "dynamic data authentication failed"),
    (1, 0x04, "combined data authentication failed"),
    (1, 0x02, "static data authentication selected"),
    (2, 0x80, "application versions of card and terminal differ"),
    (2, 0x40, "application expired"),
    (2, 0x20, "application not yet effective"),
    (2, 0x10, "service not allowed for this card"),
    (2, 0x08, "new card"),
    (3, 0x80, "cardholder verification failed"),
    (3, 0x40, "cardholder verification method unknown"),
    (3, 0x20, "PIN tries used up"),
    (3, 0x10, "PIN needed, PIN pad missing or broken"),
    (3, 0x08, "PIN needed, PIN pad there, none entered"),
    (3, 0x04, "online PIN entered"),
    (4, 0x80, "amount over the floor limit"),
    (4, 0x40, "lower limit of consecutive offline transactions passed"),
    (4, 0x20, "upper limit of consecutive offline transactions passed"),
    (4, 0x10, "picked at random for going online"),
    (4, 0x08, "merchant forced the transaction online"),
    (5, 0x80, "default TDOL used"),
    (5, 0x40, "issuer authentication failed"),
    (5, 0x20, "script failed before the last cryptogram"),
    (5, 0x10, "script failed after the last cryptogram"),
)

# EMV 4.4 Book 3, annex C6
TSI: _Bits = (
    (1, 0x80, "offline data authentication performed"),
    (1, 0x40, "cardholder verification performed"),
    (1, 0x20, "card risk management performed"),
    (1, 0x10, "issuer authentication performed"),
    (1, 0x08, "terminal risk management performed"),
    (1, 0x04, "script processing performed"),
)

# EMV 4.4 Book 3, annex C1
AIP: _Bits = (
    (1, 0x40, "static data authentication supported"),
    (1, 0x20, "dynamic data authentication supported"),
    (1, 0x10, "cardholder verification supported"),
    (1, 0x08, "terminal risk management to be performed"),
    (1, 0x04, "issuer authentication supported"),
    (1, 0x02, "verification on the cardholder's device supported"),
    (1, 0x01, "combined data authentication supported"),
    (2, 0x80, "EMV and magnetic-stripe mode supported"),
)

# EMV 4.4 Book 3, annex C2
AUC: _Bits = (
    (1, 0x80, "domestic cash"),
    (1, 0x40, "international cash"),
    (1, 0x20, "domestic goods"),
    (1, 0x10, "international goods"),
    (1, 0x08, "domestic services"),
    (1, 0x04, "international services"),
    (1, 0x02, "cash machines"),
    (1, 0x01, "terminals other than cash machines"),
    (2, 0x80, "domestic cashback"),
    (2, 0x40, "international cashback"),
)

# EMV Contactless Book A, table 5-4
TTQ: _Bits = (
    (1, 0x80, "magnetic-stripe mode supported"),
    (1, 0x20, "EMV mode supported"),
    (1, 0x10, "EMV by contact supported"),
    (1, 0x08, "offline-only reader"),
    (1, 0x04, "online PIN supported"),
    (1, 0x02, "signature supported"),
    (1, 0x01, "offline data authentication for online transactions supported"),
    (2, 0x80, "online cryptogram required"),
    (2, 0x40, "cardholder verification required"),
    (2, 0x20, "offline PIN by contact supported"),
    (3, 0x80, "issuer updates supported"),
    (3, 0x40, "verification on the cardholder's device supported"),
    (4, 0x80, "fDDA version 01 supported"),
)

# PBOC 3.0 part 12, tag 9F6C
CTQ: _Bits = (
    (1, 0x80, "online PIN required"),
    (1, 0x40, "signature required"),
    (1, 0x20, "go online when offline data authentication fails"),
    (1, 0x10, "use another interface when offline data authentication fails"),
    (1, 0x08, "go online when the application has expired"),
    (1, 0x04, "use another interface for cash"),
    (1, 0x02, "use another interface for cashback"),
    (2, 0x80, "cardholder was verified on his own device"),
    (2, 0x40, "issuer updates supported"),
)

# EMV Contactless Book C-3, annex A, tag 9F6E: byte 2; byte 1 and 4 are numbers (values.py)
FORM_FACTOR_FEATURES: _Bits = (
    (2, 0x80, "passcode capable"),
    (2, 0x40, "signature panel"),
    (2, 0x20, "hologram"),
    (2, 0x10, "card verification value on it"),
    (2, 0x08, "two-way messaging"),
    (2, 0x04, "cloud based payment credentials"),
    (2, 0x02, "biometric cardholder verification capable"),
)

# JR/T 0025.12, tag 9F68: what a UnionPay card checks by itself
CAP: _Bits = (
    (1, 0x80, "small amounts are checked"),
    (1, 0x40, "small amounts and the cumulative amount are checked"),
    (1, 0x20, "small amounts or the cumulative amount are checked"),
    (1, 0x10, "new cards are checked"),
    (1, 0x08, "PIN tries are checked"),
    (1, 0x04, "offline in another currency allowed"),
    (1, 0x02, "contact chip preferred"),
    (1, 0x01, "offline amount available is returned"),
    (2, 0x80, "prepaid"),
    (2, 0x40, "declines in another currency"),
    (2, 0x20, "new cards decline at offline-only readers"),
    (3, 0x80, "online PIN supported for the card's currency"),
    (3, 0x40, "online PIN supported for other currencies"),
    (3, 0x20, "cardholder verification required for other currencies"),
    (3, 0x10, "signature supported"),
)

# EMV 4.4 Book 4, annex A2
TERMINAL_CAPABILITIES: _Bits = (
    (1, 0x80, "manual key entry"),
    (1, 0x40, "magnetic stripe"),
    (1, 0x20, "chip by contact"),
    (2, 0x80, "plain-text PIN to the chip"),
    (2, 0x40, "encrypted PIN online"),
    (2, 0x20, "signature"),
    (2, 0x10, "encrypted PIN to the chip"),
    (2, 0x08, "no cardholder verification needed"),
    (3, 0x80, "static data authentication"),
    (3, 0x40, "dynamic data authentication"),
    (3, 0x20, "card capture"),
    (3, 0x08, "combined data authentication"),
)

# EMV 4.4 Book 4, annex A3
ADDITIONAL_TERMINAL_CAPABILITIES: _Bits = (
    (1, 0x80, "cash"),
    (1, 0x40, "goods"),
    (1, 0x20, "services"),
    (1, 0x10, "cashback"),
    (1, 0x08, "inquiry"),
    (1, 0x04, "transfer"),
    (1, 0x02, "payment"),
    (1, 0x01, "administrative"),
    (2, 0x80, "cash deposit"),
    (3, 0x80, "keypad with digits"),
    (3, 0x40, "keypad with letters and special characters"),
    (3, 0x20, "keypad with command keys"),
    (3, 0x10, "keypad with function keys"),
    (4, 0x80, "prints for the attendant"),
    (4, 0x40, "prints for the cardholder"),
    (4, 0x20, "shows to the attendant"),
    (4, 0x10, "shows to the cardholder"),
    (4, 0x02, "code table 10"),
    (4, 0x01, "code table 9"),
    (5, 0x80, "code table 8"),
    (5, 0x40, "code table 7"),
    (5, 0x20, "code table 6"),
    (5, 0x10, "code table 5"),
    (5, 0x08, "code table 4"),
    (5, 0x04, "code table 3"),
    (5, 0x02, "code table 2"),
    (5, 0x01, "code table 1"),
)

TABLES: dict[str, _Bits] = {
    "tvr": TVR,
    "tsi": TSI,
    "aip": AIP,
    "auc": AUC,
    "ttq": TTQ,
    "ctq": CTQ,
    "cap": CAP,
    "form_factor_features": FORM_FACTOR_FEATURES,
    "terminal_capabilities": TERMINAL_CAPABILITIES,
    "additional_terminal_capabilities": ADDITIONAL_TERMINAL_CAPABILITIES,
}


def meanings(kind: str, value: bytes) -> list[str]:
    """What the set bits of `value` mean. Bits behind its end, and bits without a name, say nothing."""
    return [text for byte, mask, text in TABLES[kind] if byte <= len(value) and value[byte - 1] & mask]


def tvr(value: bytes) -> list[str]:
    return meanings("tvr", value)


def ttq(value: bytes) -> list[str]:
    return meanings("ttq", value)


def ctq(value: bytes) -> list[str]:
    return meanings("ctq", value)
