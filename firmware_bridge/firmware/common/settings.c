#include "settings.h"

#include <string.h>

#include "crc16.h"

#define MAGIC 0xA5
#define UID_AT 1
#define CHANNELS_AT 9
#define GAIN_AT 10
#define RATE_AT 11
#define CRC_AT 15

bool gain_is_known(uint8_t gain)
{
    return gain == 128 || gain == 64 || gain == 32;
}

bool rate_is_known(uint32_t rate_mhz)
{
    return rate_mhz == 80000 || rate_mhz == 10000;
}

void settings_default(struct settings *settings)
{
    memset(settings->uid, 0xFF, UID_OCTETS);
    settings->channels = CHANNELS;
    settings->gain = 128;
    settings->rate_mhz = RATE_SPS * 1000ul;
}

void settings_pack(const struct settings *settings, uint8_t *image)
{
    uint16_t crc;

    image[0] = MAGIC;
    memcpy(image + UID_AT, settings->uid, UID_OCTETS);
    image[CHANNELS_AT] = settings->channels;
    image[GAIN_AT] = settings->gain;
    for (uint8_t n = 0; n < 4; n++)
        image[RATE_AT + n] = (uint8_t)(settings->rate_mhz >> 8 * n);
    crc = crc16_of(image, CRC_AT);
    image[CRC_AT] = (uint8_t)crc;
    image[CRC_AT + 1] = (uint8_t)(crc >> 8);
}

bool settings_unpack(struct settings *settings, const uint8_t *image)
{
    uint16_t crc = crc16_of(image, CRC_AT);
    uint32_t rate_mhz = 0;

    settings_default(settings);
    if (image[0] != MAGIC || image[CRC_AT] != (uint8_t)crc || image[CRC_AT + 1] != (uint8_t)(crc >> 8))
        return false;
    memcpy(settings->uid, image + UID_AT, UID_OCTETS);
    if (image[CHANNELS_AT] >= 1 && image[CHANNELS_AT] <= CHANNELS)
        settings->channels = image[CHANNELS_AT];
    if (gain_is_known(image[GAIN_AT]))
        settings->gain = image[GAIN_AT];
    for (uint8_t n = 4; n-- > 0;)
        rate_mhz = rate_mhz << 8 | image[RATE_AT + n];
    if (rate_is_known(rate_mhz))
        settings->rate_mhz = rate_mhz;
    return true;
}
