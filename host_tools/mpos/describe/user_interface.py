"""What a contactless reader shows: message identifiers and status of a user interface request (EMV Contactless Book A, 9.4)."""

from __future__ import annotations

MESSAGES = {
    0x03: "APPROVED",
    0x07: "NOT AUTHORISED",
    0x09: "PLEASE ENTER YOUR PIN",
    0x0F: "PROCESSING ERROR",
    0x10: "PLEASE REMOVE CARD",
    0x14: "WELCOME",
    0x15: "PRESENT CARD",
    0x16: "PROCESSING",
    0x17: "CARD READ OK, PLEASE REMOVE CARD",
    0x18: "PLEASE INSERT OR SWIPE CARD",
    0x19: "PLEASE PRESENT ONE CARD ONLY",
    0x1A: "APPROVED, PLEASE SIGN",
    0x1B: "AUTHORISING, PLEASE WAIT",
    0x1C: "INSERT, SWIPE OR TRY ANOTHER CARD",
    0x1D: "PLEASE INSERT CARD",
    0x1E: "",
    0x20: "SEE PHONE FOR INSTRUCTIONS",
    0x21: "PRESENT CARD AGAIN",
}
STATUS = {
    0: "not ready",
    1: "idle",
    2: "ready to read",
    3: "processing",
    4: "card read successfully",
    5: "processing error",
}


def sentence(message: int, status: int, hold: int = 0) -> str:
    """One line for a person. hold: in 100 ms. Never raises."""
    text = MESSAGES.get(message, f"message {message:02X}")
    parts = [STATUS.get(status, f"status {status}")]
    if hold:
        parts.append(f"for {hold / 10:.1f} s at least")
    return f"{text or 'nothing'} ({', '.join(parts)})"
