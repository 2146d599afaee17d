/* What the board does with a command, PROTOCOL.md section 5. Every command sets and none toggles or counts: the host
   may send one twice. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <stdint.h>

#include "frames.h"

#define CMD_HELLO 0x01
#define CMD_CLOCK 0x02
#define CMD_IDENTIFY 0x03
#define CMD_SET_RATE 0x04
#define CMD_SET_GAIN 0x05
#define CMD_SELF_TEST 0x06
#define CMD_STATS 0x07
#define CMD_SET_CHANNELS 0x20
#define CMD_READ_UID 0x21
#define CMD_WRITE_UID 0x22
#define CMD_BOOTLOADER 0x2F

#define ACK_OK 0
#define ACK_UNKNOWN_KIND 1
#define ACK_BAD_LENGTH 2
#define ACK_BAD_VALUE 3
#define ACK_NOT_ALLOWED 5

/* Room that HELLO and the longest ACK take on the wire: a command waits until its answer fits. */
#define ANSWER_ROOM 60

extern uint16_t commands_bad_frames;

/* A frame from the host, COBS-encoded, without the delimiter that arrived at `delimiter_tick`. It is decoded in
   place. */
void commands_receive(uint8_t *encoded, uint8_t length, uint32_t delimiter_tick);

#endif
