"""Key blocks: published ones are unwrapped, and what is none is refused with the reason, whatever bit is wrong."""

from reader import tr31
from reader.errors import E_KEY_BLOCK
from testing import cases, h, raises

_LENGTH, _VERSION, _CHARACTER, _OPTIONAL, _MAC, _KEY = 1, 2, 3, 4, 5, 6

# Blocks, protection keys and keys as openemv/tr31, test/tr31_decrypt_test.c, has them; it names the source of each
_THALES_B = (
    "EFE0853B256B583D868F251CE99EA1D9",
    "B0080K0TN00N00001C414014375212C24995E405B5EE052CB92B67F455EA2680F6751088F9F1C228",
    "5DB50B454F8389ADCE573BE50861F2BF",
)
_TR31_B = (
    "DD7515F2BFC17F85CE48F3CA25CB21F6",
    "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
    "3F419E1CB7079442AA37474C2EFBF8B8",
)
_TR31_B_KSN = (
    "1D22BF32387C600AD97F9B97A51311AC",
    "B0104B0TX12S0100KS1800604B120F9292800000BB68BE8680A400D9191AD4ECE45B6E6C0D21C4738A52190E248719E24B433627",
    "E8BC63E5479455E26577F715D587FE68",
)
_X9_B_KSN = (
    "1D22BF32387C600AD97F9B97A51311AC",
    "B0120B0TX12S0100KS1800604B120F929280000015CEB14B76D551F21EC43A75390FA118A98C6CB049E3B9E864A5F4A8B9A5108A6DB5635C95B042D7",
    "E8BC63E5479455E26577F715D587FE68",
)
_D_PROTECTION = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6"
_TR31_D = (
    _D_PROTECTION,
    "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34",
    "3F419E1CB7079442AA37474C2EFBF8B8",
)
_X9_D = (
    _D_PROTECTION,
    "D0144P0AE00E00002C77FA3F4A553BED6E88AE5C172A4166E3D4ACA8E2AC71C158A476FAC12C13C3"
    "829DE55D3AB54C48F4C4FEF7AC75E90FC47F1B77E7B19A73ED46E64410082557",
    "3F419E1CB7079442AA37474C2EFBF8B8",
)
_THALES_D_TDES = (
    "41" * 32,
    "D0112B0TN00N000037DB9B046B7B0048785690759580ABC3B9842AB4BB7717B49E92528E575785D8123559376A2553B27BE94F054F4E971C",
    "1FA1F7CEC798D91545DA8AE0C7796BD9",
)
_THALES_D_AES = (
    "41" * 32,
    "D0144D0AN00N0000127862F945C2DED04530FAF7CDBC8B0BA10C7AA79BD5E0C2C5D6AC173BF588E4"
    "B19ACF1357178D50EA0AB193228E13958304FC6149632DFDCADF3A5B3D57E814",
    "BE19E6A07A760F10EF8E83A226B63AAD141F463FDDD4F47DB244B4023EC3CACC",
)
# ISO 20038:2017, B.3: the key it prints (77726170706564203344455320 6B6579) is not the one it wrapped, whose parity is odd
_ISO_20038 = (
    "3235362D62697420414553207772617070696E67202849534F20323030333829",
    "D0112M3TV16N000018462FA5903B8D2B82FEE26B29713C0BE7ED81601087F12252093D06FC0A012C1CF769AD0E3E9E4877166AB013FC22B4",
    "76736170706464203245455220 6B6479",
)


@cases(
    (_THALES_B, "payShield 10K"),
    (_TR31_B, "TR-31:2018, A.7.2.2"),
    (_TR31_B_KSN, "TR-31:2018, A.7.3.2"),
    (_X9_B_KSN, "X9.143:2021, 8.4.2"),
    (_TR31_D, "TR-31:2018, A.7.4"),
    (_X9_D, "X9.143:2021, 8.1"),
    (_THALES_D_TDES, "payShield 10K"),
    (_THALES_D_AES, "payShield 10K"),
    (_ISO_20038, "ISO 20038:2017, B.3"),
)
def test_published(vector, source):
    protection, block, key = vector
    header, unwrapped = tr31.unwrap(h(protection), block.encode())
    assert unwrapped == h(key), source
    assert block.encode().startswith(header) and len(header) == (40 if "KS" in block else 16)


def test_optional_blocks():
    header, _ = tr31.unwrap(h(_X9_B_KSN[0]), _X9_B_KSN[1].encode())
    assert [(name, header[at:end]) for name, at, end in tr31.optional_blocks(header)] == [
        (b"KS", b"00604B120F9292800000")
    ]


@cases(
    # X9.143:2021, 8.3.2.1 and 8.3.2.2: blocks longer than they say. With the right length their MAC is wrong, since the
    # header is under it
    ("B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A38C6B0A146BF1B0BE0D3277F17A3AD5146EED7B727B8A248E", _LENGTH),
    ("B0096P0TE00E000094B420079CC80BA3461F86FE26EFC4A38C6B0A146BF1B0BE0D3277F17A3AD5146EED7B727B8A248E", _MAC),
)
def test_misprinted_version_b(block, detail):
    with raises(E_KEY_BLOCK, detail):
        tr31.unwrap(h("DD7515F2BFC17F85CE48F3CA25CB21F6"), block.encode())


def test_misprinted_version_d():
    # X9.143:2021, 8.2: the block has the MAC that it should have; its serial number (KS) is no number, and two digits of
    # the key that is printed beside it have changed places (8C326037F8910BFB...)
    header, key = tr31.unwrap(
        h("E38331FBACE33F0B8694ABA5DC611CA20831949FEB8988102147291578F704E1"),
        b"D0192C0AVA1N0300KS08VM9ATS1A2018-06-18T20:42:39.22PB0E0000000000"
        b"5FDAFA00A1E84F599C2EB51A1F7A767D5E42314F0E84A3FC1A7B84C1DE81114659E6306AD544208F68F15602BD3E12DA"
        b"0C7F9FC551F1C8E6385FAFC1F7B499F5",
    )
    assert key == h("8C326037F8910BBFDBC267E5101DFBF9480433028D5E67B34673440F8ACEC972")
    names = [(name, header[at:end]) for name, at, end in tr31.optional_blocks(header)]
    assert names[:2] == [(b"KS", b"VM9A"), (b"TS", b"2018-06-18T20:42:39.22")]


@cases(_TR31_B, _TR31_B_KSN, _TR31_D)
def test_every_bit_counts(protection, block, key):
    protection = h(protection)
    wrong = bytearray(block.encode())
    for i in range(len(wrong)):
        for bit in range(8):
            # On a board two bits of each character will do
            if bit not in (i % 5, 5):
                continue
            wrong[i] ^= 1 << bit
            with raises(E_KEY_BLOCK):
                tr31.unwrap(protection, wrong)
            wrong[i] ^= 1 << bit
    assert tr31.unwrap(protection, wrong)[1] == h(key)


@cases(_TR31_B_KSN, _TR31_D)
def test_cut_or_longer(protection, block, _):
    protection = h(protection)
    text = block.encode()
    for end in range(len(text)):
        with raises(E_KEY_BLOCK):
            tr31.unwrap(protection, text[:end])
    for more in (b"0", b"00000000", b"0" * 32):
        with raises(E_KEY_BLOCK, _LENGTH):
            tr31.unwrap(protection, text + more)


@cases(
    ("", _LENGTH, "empty"),
    ("D0016P0AE00E0000", _LENGTH, "a header only"),
    ("D0514P0AE00E0000" + "0" * 498, _LENGTH, "too long"),
    ("A0080P0TE00E0000" + "0" * 64, _VERSION, "version A"),
    ("C0080P0TE00E0000" + "0" * 64, _VERSION, "version C"),
    ("E0112P0TE00E0000" + "0" * 96, _VERSION, "version E (ISO 20038)"),
    ("D011zP0AE00E0000" + "0" * 96, _CHARACTER, "a length that is none"),
    ("D01A0P0AE00E0000" + "0" * 96, _CHARACTER, "a length that is not decimal"),
    ("D0111P0AE00E0000" + "0" * 96, _LENGTH, "another length"),
    ("D0112P0AE00E0000" + "0" * 95 + "a", _CHARACTER, "lower case"),
    ("D0112P0AE00E0000" + "0" * 95 + " ", _CHARACTER, "a blank"),
    ("D0112P0AE00E0000" + "0" * 95 + ":", _CHARACTER, "between 9 and A"),
    ("D0112P0AE00E0000" + "0" * 95 + "G", _CHARACTER, "behind F"),
    ("D0080P0AE00E0000" + "0" * 64, _MAC, "the shortest"),
    ("D0048P0AE00E0000" + "0" * 32, _LENGTH, "a MAC and no key"),
    ("D0096P0AE00E0000" + "0" * 80, _LENGTH, "half a cipher block"),
    ("D0112P0AE00E0100KS08" + "0" * 92, _OPTIONAL, "optional blocks that are no cipher blocks"),
    ("D0112P0AE00E0100KS03" + "0" * 92, _OPTIONAL, "shorter than its own head"),
    ("D0112P0AE00E0100KSFF" + "0" * 92, _OPTIONAL, "longer than the block"),
    ("D0112P0AE00E0100KS0002000A" + "0" * 86, _OPTIONAL, "extended: the least, and no whole cipher block"),
    ("D0112P0AE00E0100KS00020009" + "0" * 86, _OPTIONAL, "extended: shorter than its own head"),
    ("D0112P0AE00E0100KS00FF0009" + "0" * 86, _OPTIONAL, "extended: a length of 255 bytes"),
    ("D0112P0AE00E0100KS0000" + "0" * 90, _OPTIONAL, "extended: a length of no bytes"),
    ("D0112P0AE00E0100KS6C" + "0" * 92, _OPTIONAL, "up to the last but four"),
    ("D0112P0AE00E0200KS08AAAAKS08BBBB" + "0" * 80, _OPTIONAL, "one twice"),
    ("D0112P0AE00E9900KS08AAAAKT08BBBB" + "0" * 80, _OPTIONAL, "99 of them"),
    ("D0112P0AE00E0200KS08AAAAKT08BBBB" + "0" * 80, _LENGTH, "and half a cipher block is left"),
    ("D0112P0AE00EA000" + "0" * 96, _CHARACTER, "a count that is none"),
)
def test_malformed(block, detail, why):
    with raises(E_KEY_BLOCK, detail):
        tr31.unwrap(h(_D_PROTECTION), block.encode())


@cases((_TR31_B, 15), (_TR31_B, 24), (_TR31_B, 32), (_TR31_D, 0), (_TR31_D, 8), (_TR31_D, 31))
def test_another_kind_of_protection_key(vector, length):
    with raises(E_KEY_BLOCK, _VERSION):
        tr31.unwrap(bytes(length), vector[1].encode())


@cases((_TR31_B, 16), (_TR31_D, 16), (_TR31_D, 24), (_TR31_D, 32))
def test_another_protection_key(vector, length):
    with raises(E_KEY_BLOCK, _MAC):
        tr31.unwrap(bytes(length), vector[1].encode())


def test_characters_that_are_none():
    block = bytearray(_TR31_D[1].encode())
    for byte in (0x00, 0x80, 0xFF):
        block[20] = byte
        with raises(E_KEY_BLOCK, _CHARACTER):
            tr31.unwrap(h(_D_PROTECTION), block)
