/* The board as a whole: started once, stepped for ever. */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "frames.h"
#include "settings.h"

extern struct settings board_settings;

/* Say HELLO and begin to convert. `settings` are what was kept, or the defaults. */
void board_start(const struct settings *settings, uint8_t reset_cause, uint16_t boot_counter);

/* One round of the main loop: read ready converters, send complete rows, answer a command, send AUX when due. */
void board_step(void);

void board_hello(void);
void board_listen(uint32_t now);
void board_blink(uint8_t seconds, uint32_t now);

/* Enter the bootloader once everything is sent. */
void board_leave(void);

#endif
