/* Why the board started, from the ATmega's MCUSR and what bootloaders leave of it. */
#ifndef RESET_CAUSE_H
#define RESET_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

#define RESET_UNKNOWN 0
#define RESET_POWER_ON 1
#define RESET_EXTERNAL 2
#define RESET_BROWN_OUT 3
#define RESET_WATCHDOG 4
#define RESET_SOFTWARE 5

/* `mcusr` as found at the start; `left_in_r2` is where optiboot puts MCUSR before it clears it; `asked_for` tells that
   the firmware itself left for the bootloader. */
uint8_t reset_cause_of(uint8_t mcusr, uint8_t left_in_r2, bool asked_for);

#endif
