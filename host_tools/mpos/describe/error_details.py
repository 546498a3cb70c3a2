"""What the detail of an error says, where it is a number of its own; the device's modules have the same tables."""

DETAILS: dict[int, dict[int, str]] = {
    # firmware/reader/tr31.py, app/key_load.py
    508: {
        1: "the block's length: not what it says, more than 512 characters, or no whole cipher blocks",
        2: "its version, or one for another kind of protection key",
        3: "a character that is no digit, or no upper-case one",
        4: "optional blocks that do not fit, or one twice",
        5: "its MAC: made for another reader, or changed on the way",
        6: "the length of the key in it",
        10: "this reader takes no key of this usage",
        11: "the key's algorithm",
        12: "its mode of use",
        13: "its exportability: N is wanted",
        14: "key version, context or reserved: zeros are wanted",
        15: "the key's length",
        16: "the key serial number (KS) or initial key ID (IK) is missing or wrong",
        17: "slot and kind of a card's key are missing or wrong",
        18: "the serial number (optional block 20) is missing or wrong",
        19: "the key is longer than the one it comes under",
        20: "an optional block that this reader does not know",
    },
    # firmware/reader/dukpt/working.py
    511: {
        1: "the PIN key is wrong",
        2: "the MAC key is wrong, or of the other MAC's length",
        3: "the track key is wrong",
        4: "the host sent no track key, and this reader sends no track in clear",
    },
    # firmware/reader/app/file_load.py
    811: {
        1: "there is no such file",
        2: "its size: none, or more than the reader reads",
        3: "a piece that does not follow the last one, or is too many",
        4: "it is not whole",
        5: "its MAC: not from this reader's server, or changed on the way",
        6: "it cannot be stored",
    },
}
