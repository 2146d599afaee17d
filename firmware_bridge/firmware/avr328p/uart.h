/* USART0: a ring for what is sent, two buffers for what is received. */
#ifndef UART_H
#define UART_H

#include <stdbool.h>

void uart_start(void);

/* Whether a frame waits to be taken. */
bool uart_has_received(void);

#endif
