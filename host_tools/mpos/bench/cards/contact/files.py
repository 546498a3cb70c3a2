"""From a profile to the card's files: records, certificates, file locator. EMV 4.4 Book 3, 7; PBOC 3.0 part 5."""

from __future__ import annotations

from dataclasses import dataclass

from mpos.bench import test_keys
from mpos.bench.cards.contact import certificates
from mpos.bench.cards.contact.layout import Layout
from mpos.bench.cards.contact.profile import ContactProfile
from mpos.bench.cards.tlv import dol
from mpos.bench.emv_keys import ca_key
from mpos.bench.rsa import RsaKey, key_of

_BASE, _SECRET = 1, 2  # short file identifiers: data, keys
_CASH = (1, 4)
_DAC = bytes.fromhex("DAC1")


@dataclass(frozen=True)
class Files:
    """records: (short file identifier, number) -> record. cash_afl: the file locator of electronic cash."""

    records: dict[tuple[int, int], bytes]
    aip: bytes
    afl: bytes
    cash_afl: bytes
    icc_key: RsaKey | None
    pin_key: RsaKey | None


def build(profile: ContactProfile) -> Files:
    """Raises KeyError when the authority has no key of this index to sign with."""
    layout = Layout(aip=profile.interchange_profile())
    layout.records[_BASE, 1] = _signed_objects(profile)
    layout.records[_BASE, 2] = [
        (0x57, profile.track2()),
        (0x5F20, b"BENCH/CARD"),
        (0x9F1F, b"00000"),
    ]
    layout.records[_BASE, 3] = [
        (0x8C, dol(*profile.cdol1)),
        (0x8D, dol(*profile.second_list())),
        (0x9F49, dol((0x9F37, 4))),
    ]
    if profile.before_signing is not None:
        profile.before_signing(layout)
    icc_key = pin_key = None
    entries = [bytes([_BASE << 3, 1, 3, 1])]
    cash = [bytes([_BASE << 3, 1, 3, 1]), bytes([_CASH[0] << 3, _CASH[1], _CASH[1], 0])]
    if profile.oda or profile.pin_enciphered:
        icc_key, pin_key = _keys_into(layout, profile)
        entry = bytes([_SECRET << 3, 1, max(n for sfi, n in layout.records if sfi == _SECRET), 0])
        entries.append(entry)
        cash.append(entry)
    if profile.cash is not None:
        layout.records[_CASH] = [(0x9F74, b"ECC001")]
    layout.afl = b"".join(entries)
    if profile.spoil is not None:
        profile.spoil(layout)
    return Files(layout.encoded(), layout.aip, layout.afl, b"".join(cash), icc_key, pin_key)


def _signed_objects(profile: ContactProfile) -> list[tuple[int, bytes]]:
    rows = [
        (0x5A, profile.pan_bcd()),
        (0x5F34, bytes.fromhex(f"{profile.sequence:02d}")),
        (0x5F24, bytes.fromhex(profile.expiry)),
        (0x5F25, bytes.fromhex(profile.effective)),
        (0x5F28, bytes.fromhex(profile.country)),
        (0x5F30, bytes.fromhex("0" + profile.service_code)),
        (0x9F42, bytes.fromhex("0156")),
    ]
    if profile.version:
        rows.append((0x9F08, bytes.fromhex(profile.version)))
    if profile.auc:
        rows.append((0x9F07, bytes.fromhex(profile.auc)))
    if profile.cvm_list:
        rows.append((0x8E, profile.cvm_list))
    if profile.iac is not None:
        rows += [(tag, bytes.fromhex(code)) for tag, code in zip((0x9F0D, 0x9F0E, 0x9F0F), profile.iac, strict=True)]
    if profile.lower is not None and profile.upper is not None:
        rows += [(0x9F14, bytes([profile.lower])), (0x9F23, bytes([profile.upper]))]
    return rows


def _keys_into(layout: Layout, profile: ContactProfile) -> tuple[RsaKey | None, RsaKey | None]:
    """Make the keys and certificates; the card's own key and the one for its PIN."""
    index = profile.ca_index
    ca = ca_key(profile.rid, index)
    issuer = key_of(f"issuer of {profile.pan[:8]}", profile.issuer_bits, profile.issuer_exponent)
    expiry, static = profile.certificate_expiry, layout.static_data()
    certificate, remainder = certificates.issuer_certificate(
        ca, issuer, profile.identifier or test_keys.ISSUER_IIN, expiry, profile.issuer_serial
    )
    rows = layout.records
    rows[_SECRET, 1] = [(0x90, certificate)]
    rows[_SECRET, 2] = [(0x8F, bytes([index])), (0x9F32, issuer.exponent_bytes()), (0x9F4A, b"\x82")]
    if remainder:
        rows[_SECRET, 2].append((0x92, remainder))
    if profile.oda == "sda":
        rows[_SECRET, 3] = [(0x93, certificates.signed_static_data(issuer, _DAC, static))]
        if not profile.pin_enciphered:
            return None, None
    icc_key = pin_key = None
    pan, serial = profile.certified or profile.pan, b"\x00\x00\x02"
    number = 3
    if profile.oda in ("dda", "cda") or not profile.pin_bits:
        icc_key = key_of(f"card {profile.pan}", profile.icc_bits, profile.icc_exponent)
        pair = certificates.icc_certificate(issuer, icc_key, pan, expiry, serial, static)
        number = _card_key_into(layout, number + 1, icc_key, pair, (0x9F46, 0x9F47, 0x9F48))
    if profile.pin_enciphered and profile.pin_bits:
        pin_key = key_of(f"PIN of {profile.pan}", profile.pin_bits, profile.icc_exponent)
        pair = certificates.icc_certificate(issuer, pin_key, pan, expiry, serial, b"")
        number = _card_key_into(layout, number + 1, pin_key, pair, (0x9F2D, 0x9F2E, 0x9F2F))
    if (_SECRET, 3) not in rows:
        # Real cards have both signatures; a terminal that can do more does not look at this one
        rows[_SECRET, 3] = [(0x93, certificates.signed_static_data(issuer, _DAC, static))]
    return icc_key, pin_key or icc_key


def _card_key_into(
    layout: Layout, number: int, key: RsaKey, pair: tuple[bytes, bytes], tags: tuple[int, int, int]
) -> int:
    certificate, remainder = pair
    layout.records[_SECRET, number] = [(tags[0], certificate)]
    number += 1
    layout.records[_SECRET, number] = [(tags[1], key.exponent_bytes())]
    if remainder:
        layout.records[_SECRET, number].append((tags[2], remainder))
    return number
