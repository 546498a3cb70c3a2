"""What is shown, and when the field is on again: EMV Contactless Book B, 3.5; Book A, 6.2 and 9.4."""

from reader import outcome as o
from reader.emv.contactless.outcome_processing import finish
from reader.errors import E_SEE_PHONE, E_TORN
from testing import cases, requirement


@requirement("Book A", "9.4", "Each outcome has its message and the reader's status.")
@cases(
    (o.APPROVED, o.CVM_NONE, 0x03, o.UI_CARD_READ),
    (o.APPROVED, o.CVM_SIGNATURE, 0x1A, o.UI_CARD_READ),
    (o.DECLINED, o.CVM_NOT_APPLICABLE, 0x07, o.UI_CARD_READ),
    (o.ONLINE_REQUEST, o.CVM_ONLINE_PIN, 0x1B, o.UI_CARD_READ),
    (o.TRY_ANOTHER_INTERFACE, o.CVM_NOT_APPLICABLE, 0x1D, o.UI_PROCESSING_ERROR),
    (o.END_APPLICATION, o.CVM_NOT_APPLICABLE, 0x1C, o.UI_PROCESSING_ERROR),
    (o.TRY_AGAIN, o.CVM_NOT_APPLICABLE, 0x21, o.UI_PROCESSING_ERROR),
)
def test_messages(code, cvm, message, status):
    result = finish(o.Outcome(code, cvm))
    assert result.ui[:2] == (message, status)


def test_nothing_is_shown_between_two_applications():
    assert finish(o.Outcome(o.SELECT_NEXT)).ui is None


@requirement("Book C-3", "5.2.2.2", "After 6986 the cardholder is sent to the device, which is then presented again.")
def test_see_phone():
    result = finish(o.Outcome(o.TRY_AGAIN, reason=E_SEE_PHONE))
    assert result.ui == (o.MESSAGE_SEE_PHONE, o.UI_PROCESSING_ERROR, 13)
    assert result.ui_restart == (o.MESSAGE_SEE_PHONE, o.UI_READY_TO_READ, 0)
    assert result.field_off_ms == 1300


def test_the_same_card_again():
    result = finish(o.Outcome(o.TRY_AGAIN, reason=E_TORN))
    assert result.ui_restart == (o.MESSAGE_PRESENT_AGAIN, o.UI_READY_TO_READ, 0)


def test_what_a_kernel_has_said_stays():
    result = o.Outcome(o.DECLINED)
    result.ui = (o.MESSAGE_REMOVE_CARD, o.UI_IDLE, 7)
    assert finish(result).ui == (o.MESSAGE_REMOVE_CARD, o.UI_IDLE, 7)


def test_the_contact_chip_is_the_other_interface():
    assert finish(o.Outcome(o.TRY_ANOTHER_INTERFACE)).alternate == 1
    assert finish(o.Outcome(o.DECLINED)).alternate == 0


def test_a_signature_is_written_on_a_receipt():
    assert finish(o.Outcome(o.ONLINE_REQUEST, o.CVM_SIGNATURE)).receipt
    assert not finish(o.Outcome(o.ONLINE_REQUEST, o.CVM_NONE)).receipt
