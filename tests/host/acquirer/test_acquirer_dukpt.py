"""Keys of the BDK side against the standard's own examples: ANSI X9.24-1:2009, A.4."""

import pytest
from psec import des, mac

from mpos.acquirer import dukpt
from mpos.bench import test_keys

# A.4.2 initial sequence and A.4.3 roll-over: counter part of the KSN, transaction key, encrypted PIN block
EXAMPLES = """
    00001 042666B49184CFA368DE9628D0397BC9 1B9C1845EB993A7A
    00002 C46551CEF9FD24B0AA9AD834130D3BC7 10A01C8D02C69107
    00003 0DF3D9422ACA56E547676D07AD6BADFA 18DC07B94797B466
    00004 279C0F6AEED0BE652B2C733E1383AE91 0BC79509D5645DF7
    00005 5F8DC6D2C845C125508DDC048093B83F 5BC0AF22AD87B327
    00006 5E415CB0BAF9F03CD0C14B63FB62FF43 A16DF70AE36158D8
    00007 0C8F780B7C8B49D0AE84A9EB2A6CE660 27711C16CB257F8E
    00008 27F66D5244FF62E1AA6F6120EDEB4280 50E55547A5027551
    0000A 6CF2500A22507C7CC776CEADC1E33014 EDABBA23221833FE
    00015 E161D1956A61F6D2F37AFD7F9CC3699A 72105C22EBC791E6
    FF800 F9CDFEBF4F5B1D9EB3EC12454527E176 33365F5CC6F23C35
    FF801 5BEE92627E97825C911BF619DF72CA3B 3A86BF003F835C9D
    FFC00 F9430DF975082491C77BE4EF4FDB91EE DEFC6F09F8927B71
"""
PIN_BLOCK = bytes.fromhex("041274EDCBA9876F")


def ksn_of(counter: str) -> bytes:
    return bytes.fromhex("FFFF9876543210E" + counter)


@pytest.mark.parametrize("line", EXAMPLES.strip().splitlines())
def test_transaction_keys_and_pin_blocks_of_the_standard(line):
    counter, key, pin_block = line.split()
    ksn = ksn_of(counter)
    assert dukpt.transaction_key(test_keys.BDK, ksn).hex().upper() == key
    assert des.encrypt_tdes_ecb(dukpt.derive(test_keys.BDK, ksn).pin, PIN_BLOCK).hex().upper() == pin_block


def test_roll_over_to_the_highest_bit():
    ksn = bytes.fromhex("FFFF9876543210F00000")
    assert dukpt.transaction_key(test_keys.BDK, ksn).hex().upper() == "AA4D58DB653EC74A48C75F2F047DD2B5"


def test_initial_key_on_both_sides():
    wanted = "6AC292FAA1315B4D858AB3A3D7D5933A"
    assert dukpt.initial_key(test_keys.BDK, test_keys.KSN_BASE).hex().upper() == wanted
    assert test_keys.initial_key(test_keys.BDK, ksn_of("00015")).hex().upper() == wanted


@pytest.mark.parametrize("ksn", [ksn_of("00000"), ksn_of("00001")[:9], bytes.fromhex("FFFF9876543210E007FF")])
def test_impossible_ksns(ksn):
    with pytest.raises(ValueError):
        dukpt.derive(test_keys.BDK, ksn)


def test_parts_of_a_ksn():
    ksn = bytes.fromhex("FFFF9876543210FFFFFE")
    assert dukpt.key_set(ksn).hex() == "ffff987654"
    assert dukpt.device(ksn).hex() == "ffff9876543210e00000"
    assert dukpt.counter(ksn) == 0x1FFFFE


def test_wrong_lengths_at_injection():
    with pytest.raises(ValueError):
        test_keys.initial_key(bytes(15), test_keys.KSN_BASE)


def test_working_keys_of_the_first_transaction():
    # X9.24-1:2009, A.4.1, the variants of the first transaction key
    keys = dukpt.derive(test_keys.BDK, ksn_of("00001"))
    assert keys.pin.hex().upper() == "042666B49184CF5C68DE9628D0397B36"
    assert keys.mac_request.hex().upper() == "042666B4918430A368DE9628D03984C9"
    assert keys.mac_response.hex().upper() == "042666B46E84CFA368DE96282F397BC9"
    assert keys.data.hex().upper() == "448D3F076D8304036A55A3D7E0055A78"


def test_mac_and_data_of_the_first_transaction():
    # X9.24-1:2009, A.4.2: message 4012345678909D987
    keys = dukpt.derive(test_keys.BDK, ksn_of("00001"))
    message = b"4012345678909D987"
    request, response = keys.mac_request, keys.mac_response
    assert mac.generate_retail_mac(request[:8], request[8:], message, 1).hex().upper() == "9CCC78173FC4FB64"
    assert mac.generate_retail_mac(response[:8], response[8:], message, 1).hex().upper() == "20364223C1FF00FA"
    encrypted = des.encrypt_tdes_cbc(keys.data, bytes(8), message.ljust(24, b"\0"))
    assert encrypted.hex().upper() == "FC0D53B7EA1FDA9EE68AAF2E70D9B9506229BE2AA993F04F"
