/* What happens before main(): the cause of the reset, the boot counter, the watchdog. */
#ifndef START_H
#define START_H

#include <stdint.h>

extern uint8_t start_reset_cause;

/* Differs at every start. */
uint16_t start_boot_counter(void);

void start_watchdog(void);

#endif
