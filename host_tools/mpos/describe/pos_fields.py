"""Fields of a UnionPay POS message whose digits mean something each: entry mode, security control, DE60's parts.

A digit that has no meaning here is shown as it is.
"""

# DE22: how the card was read, and whether a PIN came
_ENTRY_MODES = {
    "00": "entry mode not said",
    "01": "typed in",
    "02": "magnetic stripe",
    "03": "bar code",
    "05": "chip by contact",
    "07": "contactless",
    "90": "magnetic stripe, whole",
    "91": "contactless stripe data",
    "95": "chip by contact, its track not reliable",
    "96": "phone, contactless",
    "98": "chip by radio, whole transaction",
}
_PIN = {"1": "with PIN", "2": "without PIN"}

# DE53: format of the PIN block, length of the keys, whether the tracks are encrypted
_PIN_FORMATS = {"0": "no PIN", "1": "PIN without account number", "2": "PIN with account number"}
_KEYS = {"0": "DES", "6": "triple DES", "7": "AES"}
_TRACKS = {"0": "tracks in clear", "1": "tracks encrypted"}

# DE60.1
_KINDS = {
    "00": "management",
    "01": "balance",
    "10": "pre-authorisation",
    "11": "cancellation of a pre-authorisation",
    "20": "completion",
    "21": "cancellation of a completion",
    "22": "sale",
    "23": "cancellation of a sale",
    "24": "completion, told",
    "25": "refund",
    "36": "offline sale",
}
# DE60.4: the most that the terminal can read
_READS = {
    "0": "unknown what it reads",
    "2": "reads stripes only",
    "5": "reads chips by contact",
    "6": "reads chips by radio",
}
# DE60.5: why the stripe of a chip card was read
_CONDITIONS = {"1": "last chip was well", "2": "fallback: the chip failed"}
_NO_NETWORK = "000"
# DE60.3 of network management
_NETWORK = {
    "001": "sign-in, keys of single length",
    "003": "sign-in, keys of double length",
    "004": "sign-in, keys of double length, one for the track",
}


def entry_mode(value: str) -> str:
    """DE22, three digits."""
    return _with(value, (_ENTRY_MODES.get(value[:2], ""), _PIN.get(value[2:], "")), " {}")


def security_control(value: str) -> str:
    """DE53, sixteen digits."""
    meanings = (_PIN_FORMATS.get(value[:1], ""), _KEYS.get(value[1:2], ""), _TRACKS.get(value[2:3], ""))
    return _with(value, meanings if value.isdecimal() else (), " ({})")


def terminal(value: str) -> str:
    """DE60: kind and batch, and what is there of network code, terminal and chip condition."""
    if len(value) < 8 or not value.isdecimal():
        return value
    kind, batch, network = value[:2], value[2:8], value[8:11]
    meanings = (
        f"type {kind} {_KINDS.get(kind, '')}".strip(),
        f"batch {batch}",
        f"network management {network} {_NETWORK.get(network, '')}".strip() if network not in ("", _NO_NETWORK) else "",
        _READS.get(value[11:12], ""),
        _CONDITIONS.get(value[12:13], ""),
        "parts of the amount will do" if value[13:14] == "1" else "",
    )
    return _with(value, meanings, " ({})")


def _with(value: str, meanings: tuple[str, ...], frame: str) -> str:
    text = ", ".join(filter(None, meanings))
    return value + frame.format(text) if text else value
