"""The reader's own data objects, from its parameters and the transaction: EMV 4.4 Book 4, Annex A; Book 3, Annex A1.

They go into the DataStore before the card's, from where a DOL or the host's message takes them.
"""

from micropython import const

from ..util.bcd import from_int

_TAG_5F2A_TRANSACTION_CURRENCY_CODE = const(0x5F2A)
_TAG_5F36_TRANSACTION_CURRENCY_EXPONENT = const(0x5F36)
_TAG_81_AMOUNT_AUTHORISED_BINARY = const(0x81)
_TAG_95_TERMINAL_VERIFICATION_RESULTS = const(0x95)
_TAG_9A_TRANSACTION_DATE = const(0x9A)
_TAG_9B_TRANSACTION_STATUS_INFORMATION = const(0x9B)
_TAG_9C_TRANSACTION_TYPE = const(0x9C)
_TAG_9F02_AMOUNT_AUTHORISED = const(0x9F02)
_TAG_9F03_AMOUNT_OTHER = const(0x9F03)
_TAG_9F04_AMOUNT_OTHER_BINARY = const(0x9F04)
_TAG_9F06_APPLICATION_IDENTIFIER_TERMINAL = const(0x9F06)
_TAG_9F09_APPLICATION_VERSION_NUMBER_TERMINAL = const(0x9F09)
_TAG_9F15_MERCHANT_CATEGORY_CODE = const(0x9F15)
_TAG_9F16_MERCHANT_IDENTIFIER = const(0x9F16)
_TAG_9F1A_TERMINAL_COUNTRY_CODE = const(0x9F1A)
_TAG_9F1B_TERMINAL_FLOOR_LIMIT = const(0x9F1B)
_TAG_9F1C_TERMINAL_IDENTIFICATION = const(0x9F1C)
_TAG_9F1E_INTERFACE_DEVICE_SERIAL_NUMBER = const(0x9F1E)
_TAG_9F21_TRANSACTION_TIME = const(0x9F21)
_TAG_9F33_TERMINAL_CAPABILITIES = const(0x9F33)
_TAG_9F35_TERMINAL_TYPE = const(0x9F35)
_TAG_9F37_UNPREDICTABLE_NUMBER = const(0x9F37)
_TAG_9F39_POS_ENTRY_MODE = const(0x9F39)
_TAG_9F40_ADDITIONAL_TERMINAL_CAPABILITIES = const(0x9F40)
_TAG_9F41_TRANSACTION_SEQUENCE_COUNTER = const(0x9F41)
_TAG_9F4E_MERCHANT_NAME_AND_LOCATION = const(0x9F4E)
_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS = const(0x9F66)
_TAG_9F7A_ELECTRONIC_CASH_TERMINAL_SUPPORT = const(0x9F7A)
_TAG_9F7B_ELECTRONIC_CASH_TERMINAL_LIMIT = const(0x9F7B)

_AMOUNT = const(6)
_BINARY_AMOUNT = const(4)
_BY_CHIP = b"\x05"  # 9F39, as the first two digits of DE22
_TTQ2_ONLINE_CRYPTOGRAM = const(0x80)
_SEQUENCE_MOST = const(100000000)  # 9F41: n 4 to 8


def contactless_data_into(data, terminal, combination, ttq, tx, entropy) -> None:
    """Put every data object of the reader into `data`, an empty DataStore, for a contactless kernel.

    `terminal`: Parameters.terminal; `combination`: the row of Parameters.contactless in use; `ttq`: its qualifiers
    after pre-processing (4 bytes); `tx`: amount, currency, time, sequence, transaction_type; `entropy` fills 9F37.
    Raises what `entropy` raises, E_TAG_FORMAT, E_DATA_FULL.
    """
    # By radio no bit of 95 is ever set: what the card signs is what the issuer gets
    _common_into(data, terminal, combination.aid, combination.application_version, tx, entropy)
    data.put(_TAG_9F03_AMOUNT_OTHER, bytes(_AMOUNT))
    data.put(_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS, ttq)
    # JR/T 0025.12, 6.5: asked for by a card with electronic cash, which is of use where the issuer need not be asked
    offline = not ttq[1] & _TTQ2_ONLINE_CRYPTOGRAM
    data.put(_TAG_9F7A_ELECTRONIC_CASH_TERMINAL_SUPPORT, b"\x01" if offline else b"\x00")


def contact_data_into(data, terminal, application, tx, entropy, electronic_cash: bool) -> None:
    """The same for the contact kernel. `application`: the acquirer's Application; `tx` has amount_other as well;
    `electronic_cash`: whether the reader offers it (PBOC 3.0 part 13, 7.4.2).

    95 and 9B begin as zeros (Book 3, 10.1).
    """
    put = data.put
    _common_into(data, terminal, application.aid, application.version, tx, entropy)
    put(_TAG_9F03_AMOUNT_OTHER, from_int(tx.amount_other, _AMOUNT))
    put(_TAG_9B_TRANSACTION_STATUS_INFORMATION, bytes(2))
    put(_TAG_9F39_POS_ENTRY_MODE, _BY_CHIP)
    for tag, amount in (
        (_TAG_81_AMOUNT_AUTHORISED_BINARY, tx.amount),
        (_TAG_9F04_AMOUNT_OTHER_BINARY, tx.amount_other),
        (_TAG_9F1B_TERMINAL_FLOOR_LIMIT, application.floor_limit),
    ):
        # n 12 is more than four bytes hold; what cannot be said is not there
        if amount >> 16 <= 0xFFFF:
            put(tag, amount.to_bytes(_BINARY_AMOUNT, "big"))
    put(_TAG_9F7A_ELECTRONIC_CASH_TERMINAL_SUPPORT, b"\x01" if electronic_cash else b"\x00")
    if application.ec_limit is not None:
        put(_TAG_9F7B_ELECTRONIC_CASH_TERMINAL_LIMIT, from_int(application.ec_limit, _AMOUNT))


def _common_into(data, terminal, aid, version, tx, entropy) -> None:
    year, month, day, hour, minute, second = tx.time
    put = data.put
    put(_TAG_9F02_AMOUNT_AUTHORISED, from_int(tx.amount, _AMOUNT))
    put(_TAG_5F2A_TRANSACTION_CURRENCY_CODE, from_int(tx.currency, 2))
    put(_TAG_5F36_TRANSACTION_CURRENCY_EXPONENT, from_int(terminal.exponent, 1))
    put(_TAG_9A_TRANSACTION_DATE, from_int(year % 100 * 10000 + month * 100 + day, 3))
    put(_TAG_9F21_TRANSACTION_TIME, from_int(hour * 10000 + minute * 100 + second, 3))
    put(_TAG_9C_TRANSACTION_TYPE, from_int(tx.transaction_type, 1))
    put(_TAG_9F41_TRANSACTION_SEQUENCE_COUNTER, from_int(tx.sequence % _SEQUENCE_MOST, 4))
    put(_TAG_95_TERMINAL_VERIFICATION_RESULTS, bytes(5))
    put(_TAG_9F06_APPLICATION_IDENTIFIER_TERMINAL, aid)
    put(_TAG_9F09_APPLICATION_VERSION_NUMBER_TERMINAL, version)
    put(_TAG_9F1A_TERMINAL_COUNTRY_CODE, from_int(terminal.country, 2))
    put(_TAG_9F33_TERMINAL_CAPABILITIES, terminal.capabilities)
    put(_TAG_9F40_ADDITIONAL_TERMINAL_CAPABILITIES, terminal.additional_capabilities)
    put(_TAG_9F35_TERMINAL_TYPE, from_int(terminal.type, 1))
    put(_TAG_9F15_MERCHANT_CATEGORY_CODE, from_int(terminal.category, 2))
    put(_TAG_9F16_MERCHANT_IDENTIFIER, terminal.merchant.encode())
    put(_TAG_9F1C_TERMINAL_IDENTIFICATION, terminal.id.encode())
    put(_TAG_9F1E_INTERFACE_DEVICE_SERIAL_NUMBER, terminal.serial.encode())
    put(_TAG_9F4E_MERCHANT_NAME_AND_LOCATION, terminal.name.encode())
    number = bytearray(4)
    entropy.fill(number)
    put(_TAG_9F37_UNPREDICTABLE_NUMBER, number)
