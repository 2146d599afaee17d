#include "ladder.h"

/* Readings: both open 1023, door 512, key 327, both 248. The limits lie half-way. */
#define OPEN_ABOVE 768
#define DOOR_ABOVE 420
#define KEY_ABOVE 288

uint8_t ladder_inputs(uint16_t reading)
{
    if (reading > OPEN_ABOVE)
        return 0;
    if (reading > DOOR_ABOVE)
        return INPUT_DOOR;
    if (reading > KEY_ABOVE)
        return INPUT_STAFF_KEY;
    return INPUT_DOOR | INPUT_STAFF_KEY;
}
