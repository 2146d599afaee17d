/* A 10k NTC (B = 3950 K) to ground with 10k to the supply, on the ADC. */
#ifndef NTC_H
#define NTC_H

#include <stdint.h>

/* Readings of a 10-bit ADC that are summed for one temperature. */
#define NTC_READINGS 16

/* 0.01 degC; TEMPERATURE_NONE when the sensor is open or short. */
int16_t ntc_cdeg(uint16_t sum_of_readings);

#endif
