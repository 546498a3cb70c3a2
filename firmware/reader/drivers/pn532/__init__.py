"""NXP PN532: frames, the line under them (HSU), the chip's commands. Sections cited are those of UM0701-02, Rev. 02."""
