/* One DS18B20 on a 1-Wire pin, a bit a step, so that no converter waits longer than one time slot. */
#ifndef DS18B20_H
#define DS18B20_H

#include <stdbool.h>
#include <stdint.h>

/* What the pin can do; a slot takes 60 to 120 us. */
void onewire_pull_low(void);
bool onewire_release_and_look(void); /* ends the reset; whether a sensor answered */
void onewire_write(bool bit);
bool onewire_read(void);

void ds18b20_start(uint32_t now);
void ds18b20_step(uint32_t now);

/* Whether it wants to be stepped again at once. */
bool ds18b20_busy(void);

/* 0.01 degC; TEMPERATURE_NONE until a reading with a right CRC. */
int16_t ds18b20_cdeg(void);

#endif
