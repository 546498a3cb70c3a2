"""From a profile to the files of a contactless card: records, certificates, file locator. EMV 4.4 Book 3, 7.

File 1: track 2, then the account and its dates, which the card's certificate covers. File 2: keys. File 3: what is new in
every transaction, made when it is read.
"""

from __future__ import annotations

from dataclasses import dataclass

from mpos.bench import test_keys
from mpos.bench.cards.contact import certificates
from mpos.bench.cards.contact.layout import Layout
from mpos.bench.cards.profile import Profile
from mpos.bench.emv_keys import ca_key
from mpos.bench.rsa import RsaKey, key_of

_DATA, _KEYS = 1, 2  # short file identifiers
DYNAMIC = (3, 1)  # short file identifier, record
_COUNTRY, _USAGE = bytes.fromhex("0156"), bytes.fromhex("FF00")
_PRODUCT = b"03080000" + bytes(8)


@dataclass(frozen=True)
class Files:
    """records: (short file identifier, number) -> record; `DYNAMIC` is not among them, and in `afl` when there is one."""

    records: dict[tuple[int, int], bytes]
    aip: bytes
    afl: bytes
    icc_key: RsaKey | None

    @property
    def last(self) -> tuple[int, int] | None:
        """The record that is read last. None: none is read."""
        return (self.afl[-4] >> 3, self.afl[-2]) if self.afl else None


def build(profile: Profile, aip: bytes) -> Files:
    """Raises KeyError when the authority has no key of this index to sign with."""
    layout = Layout(aip=aip, signed=(_DATA, 2))
    layout.records[_DATA, 1] = [(0x57, profile.track2()), (0x5F30, bytes.fromhex("0" + profile.service_code))]
    layout.records[_DATA, 2] = [
        (0x5A, profile.pan_bcd()),
        (0x5F24, bytes.fromhex(profile.expiry)),
        (0x5F25, bytes.fromhex(profile.effective)),
        (0x5F28, _COUNTRY),
        (0x9F07, _USAGE),
        (0x9F63, _PRODUCT),
    ]
    icc_key = _keys_into(layout, profile) if profile.oda else None
    layout.afl = b"" if profile.one_command else _locator(layout, profile)
    if profile.spoil is not None:
        profile.spoil(layout)
    return Files(layout.encoded(), layout.aip, layout.afl, icc_key)


# EMV 4.4 Book 3, 10.2: short file identifier, first record, last record, records under offline authentication
def _locator(layout: Layout, profile: Profile) -> bytes:
    first = 2 if profile.track2_in_gpo else 1
    if not profile.oda:
        rows = [bytes([_DATA << 3, first, 2, 0])]
    else:
        rows = [] if profile.track2_in_gpo else [bytes([_DATA << 3, 1, 1, 0])]
        rows.append(bytes([_DATA << 3, 2, 2, 1]))
        rows.append(bytes([_KEYS << 3, 1, max(number for sfi, number in layout.records if sfi == _KEYS), 0]))
    if profile.oda or profile.file_format == 1:
        rows.append(bytes([DYNAMIC[0] << 3, DYNAMIC[1], DYNAMIC[1], 0]))
    return b"".join(rows)


def _keys_into(layout: Layout, profile: Profile) -> RsaKey:
    """Make keys and certificates; the card's own key."""
    iin = test_keys.VISA_IIN if profile.is_visa else test_keys.ISSUER_IIN
    issuer = key_of(f"issuer of {iin}", profile.issuer_bits, profile.issuer_exponent)
    icc = key_of(f"card {profile.pan}", profile.icc_bits, profile.icc_exponent)
    expiry = profile.certificate_expiry
    authority = ca_key(profile.rid, profile.ca_index)
    certificate, rest = certificates.issuer_certificate(
        authority, issuer, profile.identifier or iin, expiry, b"\x00\x00\x01"
    )
    rows = layout.records
    rows[_KEYS, 1] = [(0x90, certificate)]
    rows[_KEYS, 2] = [(0x8F, bytes([profile.ca_index])), (0x9F32, issuer.exponent_bytes()), (0x9F4A, b"\x82")]
    if rest:
        rows[_KEYS, 2].append((0x92, rest))
    certificate, rest = certificates.icc_certificate(
        issuer, icc, profile.certified or profile.pan, expiry, b"\x00\x00\x02", layout.static_data()
    )
    rows[_KEYS, 3] = [(0x9F46, certificate)]
    rows[_KEYS, 4] = [(0x9F47, icc.exponent_bytes())]
    if rest:
        rows[_KEYS, 4].append((0x9F48, rest))
    return icc
