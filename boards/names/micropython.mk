# A user module without code: the firmware's names, which lie in the program then and take no heap (mpos.provision.names).
NAMES_DIR := $(USERMOD_DIR)
QSTR_DEFS += $(NAMES_DIR)/names.h
