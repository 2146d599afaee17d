/* Consistent-overhead byte stuffing, in place. A body of at most 250 octets never needs the code 0xFF, so that
   encoding turns each zero into a code and adds exactly one octet in front: no second buffer. */
#ifndef COBS_H
#define COBS_H

#include <stdint.h>

/* Encode the `length` octets from octets[1] on; octets[0] is spare. The result is octets[0 .. length]. */
void cobs_encode(uint8_t *octets, uint8_t length);

/* Decode octets[0 .. length - 1], given without the delimiter. The body starts at octets[1].
   Returns the body's length; 0 when a code points past the end (an empty body is no frame either). */
uint8_t cobs_decode(uint8_t *octets, uint8_t length);

#endif
