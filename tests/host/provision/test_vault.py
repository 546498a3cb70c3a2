"""The vault file: what comes back, what a damaged or foreign one says, and that nothing is given out twice."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpos.bench import test_keys
from mpos.provision import keys, vault
from mpos.provision.vault import KEYS, VaultError

PASSPHRASE = "four words will do"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("vault") / "vault"
    vault.save(vault.new(), path, PASSPHRASE)
    return path


def test_what_was_saved_comes_back(path):
    kept = vault.new()
    reader = kept.new_reader()
    kept.next_serial(reader)
    kept.next_file(reader, "parameters")
    vault.save(kept, path, PASSPHRASE)
    assert vault.load(path, PASSPHRASE) == kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["vault"]  # nothing half-written stays


def test_no_key_is_readable_in_the_file(path):
    kept = vault.new()
    vault.save(kept, path, PASSPHRASE)
    data = path.read_bytes()
    for key in kept.keys.values():
        assert key not in data and key.hex().encode() not in data
    assert PASSPHRASE.encode() not in data


def test_two_saves_share_neither_salt_nor_nonce(path):
    kept = vault.new()
    vault.save(kept, path, PASSPHRASE)
    first = path.read_bytes()
    vault.save(kept, path, PASSPHRASE)
    assert first[20:36] != path.read_bytes()[20:36] and first[36:48] != path.read_bytes()[36:48]


def test_a_wrong_passphrase(sealed):
    with pytest.raises(VaultError, match="passphrase is wrong"):
        vault.load(sealed, PASSPHRASE + "!")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused(sealed, data):
    """Every byte counts: header, salt, ciphertext, tag; cut short or longer too."""
    whole = bytearray(sealed.read_bytes())
    how = data.draw(st.sampled_from(["flip", "cut", "longer"]))
    if how == "flip":
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        whole += data.draw(st.binary(min_size=1, max_size=40))
    damaged = sealed.with_name("damaged")
    damaged.write_bytes(whole)
    with pytest.raises(VaultError) as said:
        vault.load(damaged, PASSPHRASE)
    assert "backup" in str(said.value)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_what_is_no_vault(sealed, content):
    other = sealed.with_name("other")
    other.write_bytes(content)
    with pytest.raises(VaultError, match="no vault"):
        vault.load(other, PASSPHRASE)


def test_a_header_cannot_ask_for_all_memory(sealed):
    whole = bytearray(sealed.read_bytes())
    whole[8:12] = (1 << 30).to_bytes(4, "big")
    greedy = sealed.with_name("greedy")
    greedy.write_bytes(whole)
    with pytest.raises(VaultError, match="damaged in its header"):
        vault.load(greedy, PASSPHRASE)


def test_there_is_none(path):
    with pytest.raises(VaultError, match="mpos provision vault new"):
        vault.load(path, PASSPHRASE)
    with pytest.raises(VaultError, match="mpos provision vault new"), vault.opened(path, PASSPHRASE):
        pass


def test_a_vault_is_never_written_over_by_a_new_one(path):
    path.write_bytes(b"somebody's")
    with pytest.raises(VaultError, match="is there already"):
        vault.save(vault.new(), path, PASSPHRASE, replace=False)
    assert path.read_bytes() == b"somebody's"


def test_a_place_that_cannot_be_written(path):
    path.write_bytes(b"a file, and no folder")
    with pytest.raises(VaultError, match="cannot be written"):
        vault.save(vault.new(), path / "vault", PASSPHRASE)


def test_a_key_is_not_shown_by_accident():
    kept = vault.new()
    load = keys.tdes_dukpt(kept.keys["tdes-bdk"], kept.new_reader())
    for key in (*kept.keys.values(), load.key):
        assert key.hex() not in repr((kept, load)).lower() and repr(key) not in repr((kept, load))


def test_reader_ids_go_up_and_fit_both_schemes(path):
    kept = vault.new(key_set=bytes.fromhex("FF123456"))
    ids = [kept.new_reader() for _ in range(40)]
    assert len(set(ids)) == 40 and ids == sorted(ids)
    assert ids[0] == bytes.fromhex("FF12345600000020")
    for reader_id in ids:
        keys.check_reader_id(reader_id)
        assert int.from_bytes(keys.initial_ksn(reader_id), "big") & 0x1FFFFF == 0


def test_a_reader_id_is_given_once():
    kept = vault.new()
    kept.new_reader(test_keys.READER_ID)
    with pytest.raises(VaultError, match="was given out before"):
        kept.new_reader(test_keys.READER_ID)
    with pytest.raises(VaultError, match="last five bits"):
        kept.new_reader(bytes.fromhex("FFFF9876543210E1"))


def test_a_later_aes_key_has_an_id_that_no_reader_gets():
    kept = vault.new()
    reader = kept.new_reader()
    key_id = kept.new_key_id(reader)
    assert kept.entry(key_id).of == reader.hex().upper()
    assert kept.new_reader() not in (reader, key_id)
    with pytest.raises(VaultError, match="none of this vault's"):
        kept.new_key_id(bytes(8))


def test_the_last_reader_id():
    kept = vault.new()
    kept.new_reader(kept.key_set + (((1 << 27) - 2) << 5).to_bytes(4, "big"))
    assert kept.new_reader()[4:] == bytes.fromhex("FFFFFFE0")
    with pytest.raises(VaultError, match="no reader ids left"):
        kept.new_reader()


def test_serials_go_up_for_each_reader(path):
    kept = vault.new()
    one, other = kept.new_reader(), kept.new_reader()
    assert [kept.next_serial(one), kept.next_serial(one), kept.next_serial(other)] == [1, 2, 1]
    assert [kept.next_file(one, "tables"), kept.next_file(one, "parameters"), kept.next_file(one, "tables")] == [
        1,
        1,
        2,
    ]
    with pytest.raises(VaultError, match="none of this vault's"):
        kept.next_serial(bytes(8))


def test_one_at_a_time(path):
    vault.save(vault.new(), path, PASSPHRASE)
    with vault.opened(path, PASSPHRASE) as (kept, save):
        kept.new_reader()
        with pytest.raises(VaultError, match="in use"), vault.opened(path, PASSPHRASE):
            pass
        save()
        assert "words" not in repr(save)
    with vault.opened(path, PASSPHRASE) as (kept, _):
        assert len(kept.readers) == 1


@pytest.mark.parametrize(
    ("imported", "said"),
    [
        ({"tdes-bdk": bytes(24)}, "wrong length"),
        ({"session": bytes(8)}, "wrong length"),
        ({"pin": bytes(16)}, "no key"),
    ],
)
def test_keys_that_cannot_be_imported(imported, said):
    with pytest.raises(VaultError, match=said):
        vault.new(imported)


def test_keys_of_ones_own():
    kept = vault.new({"tdes-bdk": test_keys.BDK, "aes-bdk": test_keys.AES_BDK})
    assert kept.keys["tdes-bdk"] == test_keys.BDK and set(kept.keys) == set(KEYS)
    # X9.24-1:2009, A.4: the check value of the standard's base derivation key, 08D7B4
    assert kept.check_values()["tdes-bdk"] == "08D7B4"
    assert all(key.hex().upper() not in str(kept.check_values()) for key in kept.keys.values())


@pytest.mark.parametrize("text", ["xyz", "123", "", "12 3"])
def test_a_key_that_is_none_is_not_repeated(text):
    with pytest.raises(VaultError) as said:
        vault.parse_key(text)
    assert not text or text not in str(said.value)


def test_aes_initial_key():
    # X9.24-3:2017, supplement with test vectors: 128-bit BDK
    key = keys.aes_initial_key(test_keys.AES_BDK, bytes.fromhex("1234567890123456"))
    assert key.hex().upper() == "1273671EA26AC29AFA4D1084127652A1"


def test_tdes_initial_key():
    # X9.24-1:2009, A.4
    key = keys.tdes_initial_key(test_keys.BDK, test_keys.KSN_BASE)
    assert key.hex().upper() == "6AC292FAA1315B4D858AB3A3D7D5933A"


def test_a_short_passphrase():
    with pytest.raises(VaultError, match="12 characters"):
        vault.check_passphrase("short")
    vault.check_passphrase(PASSPHRASE)
