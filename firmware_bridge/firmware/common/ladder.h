/* Two contacts on one ADC pin: the pin has 10k to the supply, the door contact 10k to ground, the staff key 4.7k. */
#ifndef LADDER_H
#define LADDER_H

#include <stdint.h>

#define INPUT_DOOR 1
#define INPUT_STAFF_KEY 2

/* Closed contacts as bits, from one 10-bit reading. */
uint8_t ladder_inputs(uint16_t reading);

#endif
