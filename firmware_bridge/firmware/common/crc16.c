#include "crc16.h"

/* The polynomial 0x1021 folded by hand, octet-wise: an eighth of the cycles of the bit loop and no table in RAM. */
uint16_t crc16(uint16_t crc, uint8_t octet)
{
    uint8_t folded = (uint8_t)(crc >> 8) ^ octet;

    folded ^= folded >> 4;
    crc = (uint16_t)(crc << 8);
    crc ^= (uint16_t)folded << 12;
    crc ^= (uint16_t)folded << 5;
    return crc ^ folded;
}

uint16_t crc16_of(const uint8_t *octets, uint8_t length)
{
    uint16_t crc = CRC16_START;

    while (length--)
        crc = crc16(crc, *octets++);
    return crc;
}
