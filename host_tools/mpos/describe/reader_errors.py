"""The reader's numeric errors: number, name as in the firmware, and a sentence: what happened, what to do."""

from mpos.describe.error_details import DETAILS

ERRORS: dict[int, tuple[str, str]] = {
    101: (
        "E_CARD_REMOVED",
        "The card left the field before it was read. Present it again and hold it still until the reader says so.",
    ),
    102: (
        "E_CARD_PROTOCOL",
        "The card answered in a way its protocol forbids. Present it again; if it happens again, take another card.",
    ),
    103: ("E_CARD_TIMEOUT", "The card stayed silent for longer than it may. Present it again, flat on the reader."),
    104: ("E_TWO_CARDS", "More than one card is in the field. Present one card only."),
    105: ("E_NOT_PAYMENT", "The card has no payment application that this reader accepts. Take another card."),
    106: ("E_NO_CARD", "No card was presented in time. Start again and present the card."),
    107: (
        "E_CARD_ATR",
        "The chip did not answer the reset, or in a way EMV does not accept. Check that the chip faces the contacts, then try once more.",
    ),
    108: (
        "E_CARD_FAULT",
        "The slot cut the card's power (a short-circuit, heat). Take the card out; do not use it again.",
    ),
    109: (
        "E_STRIPE",
        "The magnetic stripe could not be read (the detail says why). Swipe the card again, evenly, stripe towards the head.",
    ),
    110: ("E_USE_CHIP", "The card has a chip and this reader can read it. Insert the card."),
    111: (
        "E_SERVICE_CODE",
        "The card's service code does not allow this sale (the detail is the rule). Take another card.",
    ),
    112: (
        "E_STRIPE_DATA",
        "What stands on the magnetic stripe cannot be right (the detail says what). Take another card.",
    ),
    113: ("E_CARD_KIND", "The card in the field cannot do this. Use the command for its kind, or another card."),
    114: (
        "E_CARD_ACCESS",
        "The card refused (the detail is what it said): a key, its access conditions, a status flag. Nothing was changed.",
    ),
    201: (
        "E_NFC_SILENT",
        "The contactless chip does not answer. Switch the reader off and on; if that does not help, check the chip's wiring.",
    ),
    202: (
        "E_NFC_FRAME",
        "Only broken frames came from the contactless chip. Check the wiring and the line speed, then switch the reader off and on.",
    ),
    203: (
        "E_NFC_STATUS",
        "The contactless chip reported an error (the detail is its status byte). Present the card again.",
    ),
    204: (
        "E_NFC_VERSION",
        "The contactless chip is not the one this firmware drives (the detail is its IC code). Check which chip is fitted.",
    ),
    205: (
        "E_LINE_CLOSED",
        "The line to the contactless chip is gone. Check that the chip, or the bench that plays it, is running, then restart.",
    ),
    211: (
        "E_SLOT_SILENT",
        "The contact coupler does not answer. Switch the reader off and on; if that does not help, check its wiring.",
    ),
    212: (
        "E_SLOT_FRAME",
        "Only broken frames came from the contact coupler. Check the wiring and the line speed, then switch the reader off and on.",
    ),
    213: (
        "E_SLOT_STATUS",
        "The contact coupler reported an error (the detail is its status byte). Insert the card again.",
    ),
    221: (
        "E_HEAD",
        "The magnetic head does not answer as it should (the detail is the revision it named). Switch the reader off and on; if that does not help, check its wiring.",
    ),
    301: (
        "E_TLV",
        "The data are not well-formed BER-TLV. Present the card again; if it happens again, the card is badly personalised.",
    ),
    302: (
        "E_DOL",
        "A data object list of the card is malformed or asks for too much. The card is badly personalised: take another.",
    ),
    303: (
        "E_TAG_FORMAT",
        "A data object has the wrong length or format (the detail is its tag). The card is badly personalised: take another.",
    ),
    304: (
        "E_TAG_MISSING",
        "A data object that must be there is missing (the detail is its tag). The card is badly personalised: take another.",
    ),
    305: (
        "E_TAG_DUPLICATE",
        "A data object came twice (the detail is its tag). The card is badly personalised: take another.",
    ),
    306: ("E_DATA_FULL", "The card gave more data than one transaction may hold. Take another card."),
    401: (
        "E_STATUS_WORD",
        "The card refused a command (the detail is its status word). Present it again or take another card.",
    ),
    402: ("E_EMV_DATA", "The card's data contradict each other (the detail is the tag). Do not accept this card."),
    403: (
        "E_CVM",
        "The cardholder verification that is asked for is none this reader can do. Use another interface or another card.",
    ),
    404: (
        "E_OFFLINE_APPROVED",
        "The card approved offline, which this reader does not offer: nothing was booked. Use another card.",
    ),
    405: ("E_CARD_DECLINED", "The card declined the transaction itself. Use another card."),
    406: (
        "E_CONTACTLESS_LIMIT",
        "The amount is not allowed by radio for any card. Insert or swipe the card, or take another amount.",
    ),
    407: ("E_APPLICATION_BLOCKED", "Every application of the card that fits is blocked. Take another card."),
    408: ("E_CARD_BLOCKED", "The card is blocked. Take another card."),
    409: (
        "E_TERMINAL_DECLINED",
        "The reader declined: its action codes or the card's ask for it (the TVR says why). Use another card.",
    ),
    410: (
        "E_CARD_REFUSED",
        "The host approved and the card did not, so nothing is sold. The host is to be told: a reversal is recorded.",
    ),
    411: (
        "E_CDA",
        "The card's signature on its decision is wrong, so the decision proves nothing. Do not accept this card.",
    ),
    412: (
        "E_NO_PIN",
        "The card asks for a PIN and none was entered (the detail says why). Start again and enter it on the reader.",
    ),
    413: (
        "E_ODA",
        "The card's signature is wrong or missing, so nothing says that it is genuine. Do not accept this card.",
    ),
    414: ("E_EXPIRED", "The card has expired, or is not valid yet. Take another card."),
    415: (
        "E_BRAND",
        "The account number belongs to another scheme than the application that the card offered. Do not accept this card.",
    ),
    416: ("E_SEE_PHONE", "The cardholder has something to do on the phone first. Look at it, then present it again."),
    417: (
        "E_TORN",
        "The card was taken away after it had approved: it may have been charged (the detail is its transaction counter). Present the same card again.",
    ),
    418: (
        "E_EXCEPTION_FILE",
        "The account is on the acquirer's list of those not to be taken. Keep to the merchant's rules.",
    ),
    419: ("E_PASS_PAYMENT", "Pass-through does not reach payment applications. Start a sale for them."),
    501: (
        "E_NO_KEY",
        "The reader has no transaction key. Give it its keys by its factory line: `mpos provision reader`.",
    ),
    502: (
        "E_KEY_EXISTS",
        "The reader already has its initial key, and takes it once only. To replace it, erase the reader and provision it anew.",
    ),
    503: ("E_KEY_EXHAUSTED", "The reader has used all keys of its initial key. Erase it and provision it anew."),
    504: (
        "E_ENTROPY",
        "The hardware random generator is missing or stuck. The reader stays out of service: have it repaired.",
    ),
    505: (
        "E_SELFTEST",
        "A self-test failed (the detail is the number of the primitive). Load the firmware again; if it stays, have the reader repaired.",
    ),
    506: (
        "E_STORE",
        "Stored state is unreadable or not authentic. The reader stays out of service: erase it and provision it anew.",
    ),
    507: (
        "E_CARD_KEY",
        "The reader has no key for cards in this slot (the detail is its number). Load one in the factory, or name another slot.",
    ),
    508: (
        "E_KEY_BLOCK",
        "The key block cannot be taken (the detail says why). Nothing was changed: "
        "make the block again for this reader.",
    ),
    509: (
        "E_KEY_REPLAY",
        "This block or file is not newer than the last one that the reader took. Nothing was changed: make a new one.",
    ),
    510: ("E_SIGN_IN", "The reader has no working keys. Sign in to the host first, then sell."),
    511: (
        "E_KEY_CHECK",
        "The host's working keys do not have the check values that came with them. Sign in again; if it stays so, the "
        "reader and the host have different master keys.",
    ),
    512: ("E_IMAGE", "The firmware is not the one that was installed. Flash the reader again."),
    601: (
        "E_ISO_FORMAT",
        "A field of the message has characters it may not have (the detail is the field). Check the host's dialect.",
    ),
    602: (
        "E_ISO_LENGTH",
        "A field of the message has a wrong length (the detail is the field). Check the host's dialect.",
    ),
    603: (
        "E_ISO_FIELD",
        "A field is missing or unknown to the dialect (the detail is the field). Check the host's dialect.",
    ),
    604: (
        "E_ISO_MISMATCH",
        "The answer belongs to another request (the detail is the field). The sale is not approved: ask the host what it booked.",
    ),
    605: (
        "E_ISO_MAC",
        "The answer's MAC is wrong: it was changed on the way or made under another key. The sale is not approved.",
    ),
    606: ("E_ISO_FRAME", "The frame's length, TPDU or header is wrong. Check the host's address, TPDU and header."),
    701: (
        "E_LINK_FRAGMENT",
        "A fragment from the phone was missing or out of order. Nothing was done: send the command again.",
    ),
    702: (
        "E_LINK_LENGTH",
        "A message from the phone was too long, or not as long as it said. Nothing was done: send the command again.",
    ),
    703: ("E_LINK_BUSY", "A transaction is running already. Wait for its end, or cancel it."),
    704: ("E_LINK_OPCODE", "The reader does not know this command. Check that the app and the firmware fit together."),
    705: (
        "E_LINK_BODY",
        "The body of the command is unreadable (the detail is the tag). Check that the app and the firmware fit together.",
    ),
    706: ("E_LINK_STATE", "The command is not allowed now. Ask for the reader's status, then send what fits."),
    707: (
        "E_LINK_NO_SESSION",
        "The command needs a session. Open one (OPEN_SESSION, AUTHENTICATE), then send it again.",
    ),
    708: (
        "E_LINK_SECURED",
        "A secured message is none of this session's: changed, replayed, of another session, or past its last number. "
        "Nothing was done: open a new session.",
    ),
    709: ("E_LINK_ROLE", "The session's role may not do this. Field and factory have commands of their own."),
    710: (
        "E_LINK_CRYPTOGRAM",
        "The other side does not have this reader's key. Ask the key service of the server that the reader belongs to.",
    ),
    711: ("E_LINK_WAIT", "Too many wrong cryptograms. Wait as many seconds as the detail says, then try again."),
    801: ("E_CANCELLED", "The transaction was cancelled. Start a new one when ready."),
    802: (
        "E_HOST_TIMEOUT",
        "The request was sent but no answer came in time. The host may have booked it: check before trying again.",
    ),
    803: ("E_HOST_UNREACHABLE", "The phone could not reach the host. Check the network, then try again."),
    804: ("E_AMOUNT", "This amount, currency or transaction type is not possible. Correct it and start again."),
    805: (
        "E_PARAMETERS",
        "The parameters are unusable (the detail is the number of the offending key). Load correct parameters.",
    ),
    806: (
        "E_PHONE_GONE",
        "The link to the phone was lost during the transaction. Connect again and ask for the last result.",
    ),
    807: (
        "E_OUT_OF_SERVICE",
        "The reader is out of service (the detail is the error that put it there). Repair that first.",
    ),
    808: (
        "E_CLOCK",
        "Nobody has set the reader's clock since it was switched on. Set it (mpremote rtc --set), then try again.",
    ),
    809: (
        "E_NOTICES_FULL",
        "The reader keeps notices of earlier transactions for the host and has no room for more. Take them over first (NOTICE, ACKNOWLEDGE).",
    ),
    810: ("E_INTERFACE", "This reader has no such card interface. Start the transaction for another one."),
    811: (
        "E_FILE",
        "The file that came over the link cannot be taken (the detail says why). The one before it stands: send it again from the start.",
    ),
    899: ("E_INTERNAL", "A fault of the firmware itself. Switch the reader off and on, and report it with the log."),
}


def sentence(code: int, detail: int = 0) -> str:
    """One line for a person: name, number, detail where there is one, and what to do. Never raises."""
    name, text = ERRORS.get(
        code, ("UNKNOWN", "This number is not in the table: the firmware may be newer than this tool.")
    )
    where = f"{code}, detail {detail} (0x{detail:X})" if detail else f"{code}"
    meaning = DETAILS.get(code, {}).get(detail)
    if meaning is not None:
        where = f"{code}, detail {detail}: {meaning}"
    return f"{name} ({where}): {text}"


def details(code: int) -> list[str]:
    """A line for each detail that the error may have, where they are numbers of their own."""
    return [f"detail {number}: {meaning}" for number, meaning in DETAILS.get(code, {}).items()]
