/* Settings in the EEPROM, in two copies: the supply may fail while one is written, and a lost UID is a lost
   calibration. An octet takes 3.4 ms, so they are written one at a time while the board goes on. */
#ifndef EEPROM_H
#define EEPROM_H

#include "settings.h"

/* What was kept; the defaults when both copies are blank or torn. */
void eeprom_load(struct settings *settings);
void eeprom_step(void);

#endif
