#include "cobs.h"

void cobs_encode(uint8_t *octets, uint8_t length)
{
    uint8_t code_at = 0;

    for (uint8_t at = 1; at <= length; at++) {
        if (octets[at] == 0) {
            octets[code_at] = (uint8_t)(at - code_at);
            code_at = at;
        }
    }
    octets[code_at] = (uint8_t)(length + 1 - code_at);
}

uint8_t cobs_decode(uint8_t *octets, uint8_t length)
{
    uint8_t at = 0;

    while (at < length) {
        uint8_t code = octets[at];

        if (code == 0 || code > length - at)
            return 0;
        octets[at] = 0;
        at = (uint8_t)(at + code);
    }
    return length ? (uint8_t)(length - 1) : 0;
}
