"""Fast dynamic data authentication: EMV Contactless Book C-3, 5.6 and its annex on fDDA; JR/T 0025.12, annex B; EMV 4.4 Book 2, 6.5.2.

The card signs in its answer to GET PROCESSING OPTIONS, without a command of its own. What is under the signature:

    version 00     9F37                              (JR/T 0025.12; a card without 9F69, or with that version in it)
    version 01     9F37, 9F02, 5F2A, 9F69            (both books)
"""

from micropython import const

from .. import certificates

_TAG_5F2A_TRANSACTION_CURRENCY_CODE = const(0x5F2A)
_TAG_9F02_AMOUNT_AUTHORISED = const(0x9F02)
_TAG_9F37_UNPREDICTABLE_NUMBER = const(0x9F37)
_TAG_9F4B_SIGNED_DYNAMIC_APPLICATION_DATA = const(0x9F4B)
_TAG_9F69_CARD_AUTHENTICATION_RELATED_DATA = const(0x9F69)

_VERSION_0 = const(0)
_VERSION_1 = const(1)


def verify(s, with_version_0: bool) -> bool:
    """Whether the card's signature holds. `with_version_0`: the kernel takes signatures over the number alone.

    Anything that is missing or wrong is a signature that does not hold, and ends nothing by itself.
    """
    need = s.data.need
    signed = s.data.get(_TAG_9F4B_SIGNED_DYNAMIC_APPLICATION_DATA)
    related = s.data.get(_TAG_9F69_CARD_AUTHENTICATION_RELATED_DATA)
    version = _VERSION_0 if related is None else related[0]
    if signed is None or s.tables is None or not certificates.static_data_good(s):
        return False
    if version > _VERSION_1 or (version == _VERSION_0 and not with_version_0):
        return False
    issuer = certificates.issuer_key(s)
    key = None if issuer is None else certificates.icc_key(s, issuer)
    if key is None:
        return False
    recovered = certificates.recover_dynamic(signed, key)
    if recovered is None:
        return False
    number = need(_TAG_9F37_UNPREDICTABLE_NUMBER)
    if version == _VERSION_0:
        return certificates.holds(recovered, number)
    return certificates.holds(
        recovered, number, need(_TAG_9F02_AMOUNT_AUTHORISED), need(_TAG_5F2A_TRANSACTION_CURRENCY_CODE), related
    )
