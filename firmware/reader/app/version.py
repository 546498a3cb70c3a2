"""The firmware's version, as told to the phone and in Device Information."""

VERSION = "0.1.0"
