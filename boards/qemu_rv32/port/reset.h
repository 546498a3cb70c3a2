// Why the board started. The numbers are those of MicroPython's esp32 port.
#pragma once

enum { RESET_CAUSE_POWER_ON = 1, RESET_CAUSE_HARD = 2, RESET_CAUSE_SOFT = 5 };

void reset_note_start(void);
void reset_note_soft(void);
int reset_cause(void);
