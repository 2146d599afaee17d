#include "outbox.h"

#include "hardware.h"

uint32_t outbox_frames_sent;

bool outbox_send(void)
{
    if (hardware_transmit_room() < frame.length)
        return false;
    hardware_transmit(frame.octets, frame.length);
    outbox_frames_sent++;
    return true;
}
