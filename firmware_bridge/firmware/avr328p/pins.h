/* Every digital pin of the board, and the edges of the converters' data lines.

     DOUT0 .. 5  PD2 .. PD7     SCK0 .. 5  PC0 .. PC5     RATE  PB4
     DOUT6, 7    PB0, PB1       SCK6, 7    PB2, PB3       LED   PB5
   With up to six channels PB0 is the door contact, PB1 the staff key and PB2 the 1-Wire bus; with seven or eight the
   contacts are a ladder on ADC7 and the temperature sensor is an NTC on ADC6. */
#ifndef PINS_H
#define PINS_H

#include <stdbool.h>

#include "build.h"

#define CONTACTS_ON_PINS (CHANNELS <= 6)
#define DOOR_PIN PB0
#define STAFF_KEY_PIN PB1
#define RATE_PIN PB4
#define LED_PIN PB5

void pins_start(void);

/* Whether an edge waits to be taken. */
bool pins_have_edge(void);

#endif
