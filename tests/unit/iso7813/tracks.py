"""Synthetic tracks of this file's neighbours, put together field by field as the standards list them."""

PAN = b"6212340000000019"
PAN_19 = b"6212340000000000004"


def track1(pan=PAN, name=b"TEST/CARD", dates=b"3012" + b"101", rest=b"00000" + b"123", code=b"B"):
    return code + pan + b"^" + name + b"^" + dates + rest


def track2(pan=PAN, dates=b"3012" + b"101", rest=b"00000" + b"123"):
    return pan + b"=" + dates + rest


def track3(pan=PAN, code=b"99", country=b"156", currency=b"156", pin=b"000000", expiry=b"3012"):
    """GB/T 19584, Annex B: Chinese issuers' forms of it, taken together."""
    amounts = b"0" + b"0000" + b"0000" + b"0000" + b"00" + b"3"
    types = b"0" + b"00" + b"00" + b"00"
    behind = b"0" + b"=" + b"000000000000" + b"=" + b"000000000000" + b"=" + b"1" + b"000000" + b"00000000"
    return code + pan + b"=" + country + currency + amounts + pin + types + expiry + behind
