/* What the host reads from an image before it flashes it. The hash is filled in by stamp_image.py. */
#include <avr/pgmspace.h>
#include <stdint.h>

#include "frames.h"
#include "hardware.h"

struct marker {
    char magic[8];
    uint8_t firmware_major;
    uint8_t firmware_minor;
    uint8_t protocol_major;
    uint8_t protocol_minor;
    uint8_t inputs;
    uint8_t signature[SIGNATURE_OCTETS];
    uint32_t firmware_hash;
};

const struct marker firmware_marker PROGMEM __attribute__((used)) = {
    .magic = {'S', 'H', 'L', 'F', 'F', 'W', 1, 0},
    .firmware_major = FIRMWARE_MAJOR,
    .firmware_minor = FIRMWARE_MINOR,
    .protocol_major = PROTOCOL_MAJOR,
    .protocol_minor = PROTOCOL_MINOR,
    .inputs = CHANNELS,
    .signature = {0x1E, 0x95, 0x0F},
};

uint32_t hardware_firmware_hash(void)
{
    return pgm_read_dword(&firmware_marker.firmware_hash);
}
