"""The firmware's version, as told to the phone and in Device Information."""

VERSION = "0.1.0"

try:
    import mpos_release  # noqa: F401 - boards/release: what is built for the field has it

    RELEASE = True
except ImportError:
    RELEASE = False
