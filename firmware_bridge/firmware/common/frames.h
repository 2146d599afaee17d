/* The frames that a board sends, PROTOCOL.md sections 1 to 5. */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdint.h>

#include "build.h"

#define FRAME_HELLO 0x01
#define FRAME_SAMPLES 0x02
#define FRAME_AUX 0x03
#define FRAME_CMD 0x10
#define FRAME_ACK 0x11

#define CRC_OCTETS 2
#define UID_OCTETS 8
#define SIGNATURE_OCTETS 3

/* The longest body that this board sends; the host tests build all bodies of the protocol, up to 250. */
#ifndef FRAME_BODY_MAX
#define FRAME_BODY_MAX (15 + 3 * CHANNELS + (CHANNELS + 1) / 2 + CRC_OCTETS > 40 ? 48 : 40)
#endif

/* The frame under construction; a board builds one at a time. The first octet is COBS's, the last the delimiter. */
struct frame {
    uint8_t length;
    uint8_t octets[1 + FRAME_BODY_MAX + 1];
};

extern struct frame frame;

void frame_open(uint8_t type);
void frame_u8(uint8_t value);
void frame_u16(uint16_t value);
void frame_u32(uint32_t value);
void frame_octets(const uint8_t *octets, uint8_t count);

/* Append the CRC, encode, append the delimiter: octets[0 .. length - 1] are what goes on the wire. */
void frame_close(void);

struct hello {
    uint8_t uid[UID_OCTETS];
    uint32_t firmware_hash;
    uint16_t boot_counter;
    uint8_t reset_cause;
    uint32_t tick_rate_hz;
    uint8_t channels;
    uint8_t gain;
    uint32_t rate_mhz;
    uint8_t firmware_major;
    uint8_t firmware_minor;
    uint8_t inputs;
    uint8_t signature[SIGNATURE_OCTETS];
};

struct samples {
    uint16_t sequence;
    uint32_t first_index;
    uint32_t last_tick;
    uint16_t overflow;
    uint8_t rows;
    uint8_t channels;
    const int32_t *counts; /* row by row */
    const uint8_t *flags;  /* one octet a conversion */
};

struct aux {
    uint32_t tick;
    uint16_t supply_mv;
    uint8_t digital_inputs;
    uint8_t temperatures;
    uint8_t channels;
    const int16_t *temperature_cdeg;
    const uint16_t *skipped;
    uint16_t bad_frames;
    uint16_t receive_overruns;
    uint16_t desyncs;
};

void frame_hello(const struct hello *hello);
void frame_samples(const struct samples *samples);
void frame_aux(const struct aux *aux);

/* An ACK is left open for its payload. */
void frame_ack(uint8_t request_id, uint8_t code);

#endif
