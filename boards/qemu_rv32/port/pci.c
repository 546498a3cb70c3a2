// Just enough PCI to give two known devices their addresses. Nobody has done it before: the machine has no firmware.

#include "board.h"

#define CONFIGURATION(slot) (0x30000000u + ((slot) << 15)) // ECAM, bus 0, function 0
enum { COMMAND = 0x04, BAR_0 = 0x10 };

void pci_assign(unsigned slot, unsigned bar, uint32_t address) {
    REG32(CONFIGURATION(slot) + BAR_0 + 4 * bar) = address;
}

void pci_enable(unsigned slot) {
    REG16(CONFIGURATION(slot) + COMMAND) = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
}
