/* Frames on their way to the transmitter. */
#ifndef OUTBOX_H
#define OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "frames.h"

extern uint32_t outbox_frames_sent;

/* Send the frame that was closed. Whole or not at all: without room in the transmitter it is dropped. */
bool outbox_send(void);

#endif
