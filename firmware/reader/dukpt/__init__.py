"""Derived unique key per transaction: the originating side only. The base derivation key never comes here."""
