# For the field: no prompt, and the firmware starts before any file is looked at.

reader_release()
