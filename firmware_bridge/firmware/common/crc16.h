/* CRC-16/CCITT-FALSE, PROTOCOL.md section 1. */
#ifndef CRC16_H
#define CRC16_H

#include <stdint.h>

#define CRC16_START 0xFFFFu

/* The CRC with one more octet; start with CRC16_START. */
uint16_t crc16(uint16_t crc, uint8_t octet);

uint16_t crc16_of(const uint8_t *octets, uint8_t length);

#endif
