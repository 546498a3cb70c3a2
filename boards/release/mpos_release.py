"""Only in a build for the field (`mpos firmware --release`, BOARD_VARIANT=..RELEASE): that it is there says so."""
