"""The message format of a UnionPay POS host, for pyiso8583: packed decimal numbers, binary bitmap, BCD lengths.

What this host does not use is there with its usual format, so that a stranger's message parses far enough to be
refused by name.
"""

from typing import Any

_Spec = dict[str, dict[str, Any]]


def _fixed_n(digits: int, desc: str, pad: str = "left") -> dict[str, Any]:
    return {
        "data_enc": "b",
        "len_enc": "bcd",
        "len_type": 0,
        "len_count": "nibbles",
        "max_len": digits,
        f"{pad}_pad": "0",
        "desc": desc,
    }


def _fixed_text(n: int, desc: str) -> dict[str, Any]:
    return {"data_enc": "ascii", "len_enc": "bcd", "len_type": 0, "max_len": n, "desc": desc}


def _fixed_binary(n: int, desc: str) -> dict[str, Any]:
    return {"data_enc": "b", "len_enc": "bcd", "len_type": 0, "max_len": n, "desc": desc}


def _var_n(prefix: int, digits: int, desc: str) -> dict[str, Any]:
    return {
        "data_enc": "b",
        "len_enc": "bcd",
        "len_type": prefix,
        "len_count": "nibbles",
        "max_len": digits,
        "right_pad": "0",
        "desc": desc,
    }


def _var_text(prefix: int, n: int, desc: str) -> dict[str, Any]:
    return {"data_enc": "ascii", "len_enc": "bcd", "len_type": prefix, "max_len": n, "desc": desc}


def _var_binary(prefix: int, n: int, desc: str) -> dict[str, Any]:
    return {"data_enc": "b", "len_enc": "bcd", "len_type": prefix, "max_len": n, "desc": desc}


# Bytes of the length prefix: LLVAR one, LLLVAR two, both BCD
_LL, _LLL = 1, 2

SPEC: _Spec = {
    "h": {"data_enc": "b", "len_enc": "bcd", "len_type": 0, "max_len": 0, "desc": "no header inside the message"},
    "t": {"data_enc": "b", "len_enc": "bcd", "len_type": 0, "max_len": 2, "desc": "message type"},
    "p": {"data_enc": "b", "len_enc": "bcd", "len_type": 0, "max_len": 8, "desc": "bitmap"},
    "1": {"data_enc": "b", "len_enc": "bcd", "len_type": 0, "max_len": 8, "desc": "second bitmap"},
    "2": _var_n(_LL, 19, "primary account number"),
    "3": _fixed_n(6, "processing code"),
    "4": _fixed_n(12, "amount"),
    "5": _fixed_n(12, "settlement amount"),
    "6": _fixed_n(12, "cardholder billing amount"),
    "7": _fixed_n(10, "transmission date and time"),
    "8": _fixed_n(8, "cardholder billing fee"),
    "9": _fixed_n(8, "settlement rate"),
    "10": _fixed_n(8, "cardholder billing rate"),
    "11": _fixed_n(6, "systems trace audit number"),
    "12": _fixed_n(6, "local time"),
    "13": _fixed_n(4, "local date"),
    "14": _fixed_n(4, "expiry"),
    "15": _fixed_n(4, "settlement date"),
    "16": _fixed_n(4, "conversion date"),
    "17": _fixed_n(4, "capture date"),
    "18": _fixed_n(4, "merchant type"),
    "19": _fixed_n(3, "acquiring country"),
    "20": _fixed_n(3, "country of the PAN"),
    "21": _fixed_n(3, "country of the forwarder"),
    # Entry mode stands at the left of its two bytes (0720), card sequence at the right (0001)
    "22": _fixed_n(3, "entry mode", pad="right"),
    "23": _fixed_n(3, "card sequence number"),
    "24": _fixed_n(3, "network international identifier"),
    "25": _fixed_n(2, "service condition"),
    "26": _fixed_n(2, "PIN capture code"),
    "27": _fixed_n(1, "length of the authorisation code"),
    "28": _fixed_n(8, "transaction fee"),
    "29": _fixed_n(8, "settlement fee"),
    "30": _fixed_n(8, "processing fee"),
    "31": _fixed_n(8, "settlement processing fee"),
    "32": _var_n(_LL, 11, "acquirer"),
    "33": _var_n(_LL, 11, "forwarder"),
    "34": _var_n(_LL, 28, "extended account number"),
    # Ciphertext here, so bytes; a host that takes clear tracks has digits and a D
    "35": _var_binary(_LL, 40, "track 2, encrypted"),
    "36": _var_binary(_LLL, 64, "track 3, encrypted"),
    "37": _fixed_text(12, "retrieval reference number"),
    "38": _fixed_text(6, "authorisation code"),
    "39": _fixed_text(2, "response code"),
    "40": _fixed_text(3, "service restriction code"),
    "41": _fixed_text(8, "terminal"),
    "42": _fixed_text(15, "merchant"),
    "43": _fixed_text(40, "merchant's name and place"),
    "44": _var_text(_LL, 25, "additional response data"),
    "45": _var_text(_LL, 76, "track 1"),
    "46": _var_text(_LLL, 999, "additional data, ISO"),
    "47": _var_text(_LLL, 999, "additional data, national"),
    "48": _var_n(_LLL, 322, "additional data, private"),
    "49": _fixed_text(3, "currency"),
    "50": _fixed_text(3, "settlement currency"),
    "51": _fixed_text(3, "cardholder billing currency"),
    "52": _fixed_binary(8, "PIN block"),
    "53": _fixed_n(16, "security control information"),
    "54": _var_text(_LLL, 20, "additional amounts"),
    "55": _var_binary(_LLL, 255, "chip data"),
    "56": _var_binary(_LLL, 255, "reserved"),
    "57": _var_binary(_LLL, 255, "key information"),
    "58": _var_binary(_LLL, 255, "electronic purse data"),
    "59": _var_binary(_LLL, 255, "reserved"),
    "60": _var_n(_LLL, 17, "transaction kind and batch"),
    "61": _var_n(_LLL, 29, "original transaction"),
    "62": _var_binary(_LLL, 512, "working keys, encrypted"),
    "63": _var_text(_LLL, 163, "operator"),
    "64": _fixed_binary(8, "MAC"),
}
