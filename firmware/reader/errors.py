"""Numeric errors: an exception ends the transaction and carries a number (text lives on the host).

The hundreds name the room the error comes from. `mpos describe error N` gives the sentence; a lint keeps
the host's table and this one equal. `detail` narrows the code: a field number, a tag, a status word.
"""

from micropython import const

# 1xx: the card
E_CARD_REMOVED = const(101)  # left the field in the middle of an exchange
E_CARD_PROTOCOL = const(102)  # answered something that its protocol forbids
E_CARD_TIMEOUT = const(103)  # stayed silent past its own waiting time
E_TWO_CARDS = const(104)  # more than one card in the field
E_NOT_PAYMENT = const(105)  # no payment application this reader accepts
E_NO_CARD = const(106)  # nobody presented a card in time
E_CARD_ATR = const(107)  # no answer to reset, or none that EMV accepts; detail: the rule (iso7816/acceptance.py)
E_CARD_FAULT = const(108)  # the slot cut the card's power: a short-circuit, heat
E_STRIPE = const(109)  # a swipe that could not be read; detail: why (iso7811/reasons.py)
E_USE_CHIP = const(110)  # the card has a chip, and this reader can read it
E_SERVICE_CODE = const(111)  # the stripe's service code forbids it; detail: the rule (iso7813/service_code.py)
E_STRIPE_DATA = const(112)  # the stripe's fields are wrong; detail: why (iso7813/reasons.py)
E_CARD_KIND = const(113)  # the card in the field is none that can do this
E_CARD_ACCESS = const(114)  # the card said no: a key, its access conditions, a flag; detail: what it said

# 2xx: the contactless chip, the contact slot, the magnetic head
E_NFC_SILENT = const(201)  # no ACK or no answer
E_NFC_FRAME = const(202)  # only broken frames came, retries used up
E_NFC_STATUS = const(203)  # detail: the chip's status byte
E_NFC_VERSION = const(204)  # detail: the IC code it claims to be
E_LINE_CLOSED = const(205)  # the byte line under the driver is gone
E_SLOT_SILENT = const(211)  # the contact coupler gives no answer
E_SLOT_FRAME = const(212)  # only broken frames came from it, retries used up
E_SLOT_STATUS = const(213)  # detail: the coupler's status byte
E_HEAD = const(221)  # the magnetic head does not answer as it should; detail: what it called itself

# 3xx: data objects
E_TLV = const(301)  # not BER-TLV within the bounds
E_DOL = const(302)
E_TAG_FORMAT = const(303)  # detail: the tag
E_TAG_MISSING = const(304)  # detail: the tag
E_TAG_DUPLICATE = const(305)  # detail: the tag
E_DATA_FULL = const(306)  # more data objects than a transaction may hold

# 4xx: EMV
E_STATUS_WORD = const(401)  # detail: SW1SW2
E_EMV_DATA = const(402)  # card data contradict each other; detail: the tag
E_CVM = const(403)  # the cardholder verification that is asked for is none this reader can do
E_OFFLINE_APPROVED = const(404)  # the card approved offline, which this reader does not offer
E_CARD_DECLINED = const(405)  # the card declined
E_CONTACTLESS_LIMIT = const(406)  # amount not allowed by radio for any application
E_APPLICATION_BLOCKED = const(407)  # every application that fits is blocked
E_CARD_BLOCKED = const(408)  # the card itself is blocked
E_TERMINAL_DECLINED = const(409)  # the reader declined: its action codes and the card's ask for it
E_CARD_REFUSED = const(410)  # the host approved, the card did not: the host is to be told (reversal)
E_CDA = const(411)  # combined data authentication failed, so that the cryptogram proves nothing
E_NO_PIN = const(412)  # the card asks for a PIN and there is none; detail: outcome.PIN_*
E_ODA = const(413)  # offline data authentication failed, and nothing else vouches for the card
E_EXPIRED = const(414)  # the application has expired, or is not yet effective
E_BRAND = const(415)  # the account number belongs to another scheme than the application that was chosen
E_SEE_PHONE = const(416)  # the cardholder has something to do on the device first
E_TORN = const(417)  # an earlier presentment of this card was cut off after it had approved; detail: its ATC
E_EXCEPTION_FILE = const(418)  # the account is on the acquirer's list of those not to be taken
E_PASS_PAYMENT = const(419)  # pass-through does not reach payment applications

# 5xx: keys and the secure parts
E_NO_KEY = const(501)  # not personalised
E_KEY_EXISTS = const(502)  # an initial key is injected once
E_KEY_EXHAUSTED = const(503)
E_ENTROPY = const(504)
E_SELFTEST = const(505)  # detail: number of the primitive
E_STORE = const(506)  # stored state unreadable or not authentic; of the key store detail: why (storage/key_ring.py)
E_CARD_KEY = const(507)  # no key for cards in this slot of the key store; detail: the slot
E_KEY_BLOCK = const(508)  # a key block that cannot be taken; detail: why (tr31.py, app/key_load.py)
E_KEY_REPLAY = const(509)  # a key block, or a file, that is not newer than the last one taken
E_SIGN_IN = const(510)  # no working keys: the reader has to sign in first
E_KEY_CHECK = const(511)  # the check value of a working key is wrong; detail: which (app/sign_in.py)
E_IMAGE = const(512)  # the firmware is not the one that was installed

# 6xx: ISO 8583
E_ISO_FORMAT = const(601)  # detail: the field
E_ISO_LENGTH = const(602)  # detail: the field
E_ISO_FIELD = const(603)  # a field is missing or not in the dialect; detail: the field
E_ISO_MISMATCH = const(604)  # the answer belongs to another request; detail: the field
E_ISO_MAC = const(605)
E_ISO_FRAME = const(606)  # length, TPDU or header of the frame

# 7xx: the link to the phone
E_LINK_FRAGMENT = const(701)  # a gap, a stray continuation, an empty fragment
E_LINK_LENGTH = const(702)  # message longer than the reader takes, or not as long as it says
E_LINK_BUSY = const(703)  # a transaction is running already
E_LINK_OPCODE = const(704)  # unknown, or not a command
E_LINK_BODY = const(705)  # body unreadable; detail: the tag
E_LINK_STATE = const(706)  # not allowed now
E_LINK_NO_SESSION = const(707)  # this command needs a session
E_LINK_SECURED = const(708)  # a secured message that is none of this session's; detail: why (link/session.py)
E_LINK_ROLE = const(709)  # the session's role may not do this
E_LINK_CRYPTOGRAM = const(710)  # the other side does not have the reader's key
E_LINK_WAIT = const(711)  # too many wrong cryptograms; detail: seconds until the next try

# 8xx: the transaction and the reader
E_CANCELLED = const(801)
E_HOST_TIMEOUT = const(802)  # the packet left, no answer came
E_HOST_UNREACHABLE = const(803)  # the phone says so
E_AMOUNT = const(804)  # amount, currency or type not possible
E_PARAMETERS = const(805)  # detail: number of the offending key
E_PHONE_GONE = const(806)  # link lost during the transaction
E_OUT_OF_SERVICE = const(807)  # detail: the error that put the reader there
E_CLOCK = const(808)  # nobody has set the clock since power-on
E_NOTICES_FULL = const(809)  # what earlier transactions left for the host has not been taken over yet
E_INTERFACE = const(810)  # this reader has no such interface
E_FILE = const(811)  # a file over the link that is not whole or not authentic; detail: why (app/file_load.py)
E_INTERNAL = const(899)  # a fault of the firmware itself


class ReaderError(Exception):
    """Ends the transaction. `code` is one of the numbers above, `detail` an int of its own meaning per code."""

    def __init__(self, code: int, detail: int = 0):
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
