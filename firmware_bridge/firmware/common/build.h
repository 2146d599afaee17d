/* What is fixed when the firmware is built. */
#ifndef BUILD_H
#define BUILD_H

#ifndef CHANNELS
#define CHANNELS 4
#endif
#if CHANNELS < 1 || CHANNELS > 8
#error "CHANNELS: 1 to 8 HX711 fit the pins of an ATmega328P"
#endif

/* Conversions a second of a board that was never told: 10 or 80, the two levels of the HX711's RATE pin. */
#ifndef RATE_SPS
#define RATE_SPS 80
#endif
#if RATE_SPS != 10 && RATE_SPS != 80
#error "RATE_SPS: an HX711 converts 10 or 80 times a second"
#endif

/* Temperature sensors in AUX: 0 or 1. */
#ifndef TEMPERATURES
#define TEMPERATURES 1
#endif

#define FIRMWARE_MAJOR 1
#define FIRMWARE_MINOR 0
#define PROTOCOL_MAJOR 1
#define PROTOCOL_MINOR 1

/* Timer1 at 16 MHz / 8. */
#define TICK_RATE_HZ 2000000ul
#define TICKS_PER_MS (TICK_RATE_HZ / 1000)

#endif
