/* What the portable part asks of the chip it runs on. avr328p/ answers it with pins and timers, the host tests with
   modelled converters. All of it is called from the main loop, never from an interrupt. */
#ifndef HARDWARE_H
#define HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

uint32_t hardware_ticks(void);

/* Converters. An edge is a fall of DOUT, stamped when it happened; taking it clears it. */
void hardware_listen(uint8_t channels);
bool hardware_take_edge(uint8_t channel, uint32_t *tick);
bool hardware_dout_is_low(uint8_t channel);
/* Between begin and end DOUT carries data bits and no edge of this channel is stamped. */
void hardware_read_begin(uint8_t channel);
/* One SCK pulse, high for 0.2 to 5 us; the level of DOUT after it. */
bool hardware_sck_pulse(void);
void hardware_read_end(void);
void hardware_set_rate_pin(bool high);

/* Serial link. A received frame is COBS-encoded, without its delimiter; one octet longer than FRAME_RECEIVED_MAX
   when it was too long to keep. It stays in its buffer until it is dropped. */
#define FRAME_RECEIVED_MAX 33
uint8_t hardware_transmit_room(void);
void hardware_transmit(const uint8_t *octets, uint8_t count);
bool hardware_transmit_idle(void);
uint8_t *hardware_received(uint8_t *length, uint32_t *delimiter_tick);
void hardware_drop_received(void);
uint16_t hardware_receive_overruns(void);

/* Surroundings. */
#define TEMPERATURE_NONE INT16_MIN
uint16_t hardware_supply_mv(void);
uint8_t hardware_digital_inputs(void);
int16_t hardware_temperature_cdeg(void);
void hardware_set_led(bool on);

/* Keeping and leaving. Saving returns at once; the octets are written as the EEPROM takes them. */
void hardware_save(const struct settings *settings);
bool hardware_is_saved(void);
uint32_t hardware_firmware_hash(void);
bool hardware_has_bootloader(void);
void hardware_enter_bootloader(void);

#endif
