/* What a board keeps through a loss of power, and its image in the EEPROM (little endian): 0 magic 0xA5, 1 UID,
   9 channels, 10 gain, 11 rate in millihertz, 15 CRC-16 over 0 .. 14. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "frames.h"

#define SETTINGS_IMAGE_OCTETS 17

struct settings {
    uint8_t uid[UID_OCTETS];
    uint8_t channels;
    uint8_t gain;
    uint32_t rate_mhz;
};

bool gain_is_known(uint8_t gain);
bool rate_is_known(uint32_t rate_mhz);

void settings_default(struct settings *settings);
void settings_pack(const struct settings *settings, uint8_t *image);

/* Returns false for an image that is blank or torn. A value that this build does not support, such as more channels
   than it has, becomes the default: the UID is worth keeping all the same, a calibration hangs on it. */
bool settings_unpack(struct settings *settings, const uint8_t *image);

#endif
