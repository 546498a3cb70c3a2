# A user module of the unix board: an image file in memory, as a microcontroller's flash is.
SRC_USERMOD_C += $(USERMOD_DIR)/rommap.c
