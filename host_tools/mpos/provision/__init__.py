"""Provisioning: the toolchain, compiled firmware, keys and parameters."""
