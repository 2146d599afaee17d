/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
/*
 * A load-cell board without the board: the compiled firmware on a simulated ATmega328P, with models of what is
 * soldered to it, behind a pseudo-terminal, in real time or faster. README.md says how to use it.
 */
#include "rig.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <avr_eeprom.h>

#include "firmware_image.h"
#include "silicon.h"
#include "trace.h"

#define SLICE_CYCLES (1000u * CYCLES_PER_US) /* 1 ms: as late as the line notices the other end */
#define LINE_MAX 65536

static rig_t rig;
static const char *socket_path;
static int listener = -1, control = -1;
static volatile sig_atomic_t told_to_stop;

static uint64_t wall_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void rig_restart_clock(rig_t *r)
{
    r->origin_ns = wall_ns();
    r->origin_cycle = r->board.avr->cycle;
}

/* One step of at most a slice. False when the host must first take what was sent. */
static bool step(rig_t *r, avr_cycle_count_t until)
{
    pty_watch(&r->pty);
    if (!uart_give(&r->uart))
        return false;
    uart_take(&r->uart);
    board_run(&r->board, until);
    uart_give(&r->uart);
    return true;
}

static void auto_reset(rig_t *r)
{
    static uint32_t opens, rises;
    bool due = r->auto_reset == AUTO_RESET_OPEN  ? r->pty.opens != opens
               : r->auto_reset == AUTO_RESET_DTR ? r->pty.dtr_rises != rises
                                                 : false;

    opens = r->pty.opens;
    rises = r->pty.dtr_rises;
    if (due && r->board.powered)
        board_reset(&r->board, RESET_EXTERNAL);
}

void rig_run(rig_t *r, avr_cycle_count_t until)
{
    avr_t *avr = r->board.avr;

    while (avr->cycle < until && !told_to_stop) {
        avr_cycle_count_t end = avr->cycle + SLICE_CYCLES;
        if (!step(r, end < until ? end : until)) {
            struct pollfd host = {.fd = r->pty.master, .events = POLLOUT};
            poll(&host, 1, 50);
        }
        auto_reset(r);
    }
}

/* -- control socket -------------------------------------------------------------------------------------------- */

static void answer(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0) {
            rig.quit = true;
            return;
        }
        text += sent;
        n -= (size_t)sent;
    }
}

static void serve_control(void)
{
    static char text[LINE_MAX];
    static size_t used;
    ssize_t n = recv(control, text + used, sizeof text - 1 - used, MSG_DONTWAIT);
    char *end;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* whoever started us has gone: so do we */
        rig.quit = true;
        return;
    }
    used += (size_t)n;
    text[used] = 0;
    while (!rig.quit && (end = memchr(text, '\n', used))) {
        char *said = NULL;
        size_t said_size = 0, line = (size_t)(end + 1 - text);
        FILE *out = open_memstream(&said, &said_size);
        *end = 0;
        control_line(&rig, text, out);
        fclose(out);
        memmove(text, text + line, used - line + 1);
        used -= line;
        answer(control, said, said_size);
        free(said);
    }
    if (used == sizeof text - 1)
        rig.quit = true;
}

static void listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "rig: --control %s: longer than the %zu bytes a socket's path may have\n", path,
                sizeof address.sun_path - 1);
        exit(2);
    }
    strcpy(address.sun_path, path);
    unlink(path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1)) {
        perror(path);
        exit(2);
    }
    socket_path = path;
}

/* -- time ------------------------------------------------------------------------------------------------------ */

static avr_cycle_count_t due_cycle(void)
{
    return rig.origin_cycle + (avr_cycle_count_t)((double)(wall_ns() - rig.origin_ns) * 1e-9 * F_CPU_HZ * rig.speed);
}

/* Waits for the end of the slice, a control line or bytes of the host. */
static void wait_for(int64_t ns, bool for_room)
{
    struct pollfd look[3] = {
        {.fd = control, .events = POLLIN},
        {.fd = rig.pty.open ? rig.pty.master : -1, .events = (short)(for_room ? POLLOUT : POLLIN)},
        {.fd = control < 0 ? listener : -1, .events = POLLIN},
    };
    struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    if (ppoll(look, 3, &time, NULL) <= 0)
        return;
    if (look[2].revents & POLLIN)
        control = accept(listener, NULL, NULL);
    if (!look[0].revents)
        return;
    /* A command takes effect now and not at the last slice's end. */
    if (!rig.paused && rig.speed > 0.0 && !for_room)
        for (avr_cycle_count_t due = due_cycle(); rig.board.avr->cycle < due;) {
            avr_cycle_count_t end = rig.board.avr->cycle + SLICE_CYCLES;
            if (!step(&rig, end < due ? end : due))
                break;
        }
    serve_control();
}

static void live(void)
{
    bool full = false;

    while (!rig.quit && !told_to_stop) {
        avr_cycle_count_t now = rig.board.avr->cycle, end = now + SLICE_CYCLES, due;
        if (rig.paused || full) {
            wait_for(20000000, full);
            full = full && !uart_give(&rig.uart);
            pty_watch(&rig.pty);
            continue;
        }
        if (rig.speed > 0.0) {
            due = due_cycle();
            if (due < end) {
                wait_for((int64_t)((double)(end - due) / F_CPU_HZ * 1e9 / rig.speed), false);
                due = due_cycle();
                now = rig.board.avr->cycle;
                end = now + SLICE_CYCLES;
            } else {
                wait_for(0, false);
            }
            end = end < due ? end : due;
        } else {
            wait_for(0, false);
        }
        if (!rig.paused && end > rig.board.avr->cycle)
            full = !step(&rig, end);
        auto_reset(&rig);
    }
}

/* -- start and end --------------------------------------------------------------------------------------------- */

static void stop(int number)
{
    told_to_stop = 1;
}

static void usage(void)
{
    fprintf(stderr, "usage: rig --firmware FILE [--bootloader FILE] --channels N (--control PATH | --control-fd FD)\n"
                    "           [--link PATH] [--eeprom HEX] [--speed F] [--seed N] [--auto-reset open|dtr]\n"
                    "           [--any-baud] [--unplugged] [--paused]\n"
                    "README.md beside the source describes the options and the control protocol.\n");
    exit(2);
}

int main(int argc, char **argv)
{
    enum { FIRMWARE, BOOTLOADER, CHANNELS, CONTROL, CONTROL_FD, LINK, EEPROM, SPEED, SEED, AUTO_RESET, ANY_BAUD,
           UNPLUGGED, PAUSED };
    static const struct option options[] = {
        {"firmware", required_argument, NULL, FIRMWARE}, {"bootloader", required_argument, NULL, BOOTLOADER},
        {"channels", required_argument, NULL, CHANNELS}, {"control", required_argument, NULL, CONTROL},
        {"control-fd", required_argument, NULL, CONTROL_FD}, {"link", required_argument, NULL, LINK},
        {"eeprom", required_argument, NULL, EEPROM}, {"speed", required_argument, NULL, SPEED},
        {"seed", required_argument, NULL, SEED}, {"auto-reset", required_argument, NULL, AUTO_RESET},
        {"any-baud", no_argument, NULL, ANY_BAUD}, {"unplugged", no_argument, NULL, UNPLUGGED},
        {"paused", no_argument, NULL, PAUSED}, {NULL, 0, NULL, 0},
    };
    const char *firmware = NULL, *bootloader = NULL, *eeprom = NULL, *control_path = NULL;
    bool failed = false, any_baud = false, unplugged = false;
    int channels = 4, option;
    struct sigaction on_stop = {.sa_handler = stop};

    rig.speed = 1.0;
    rig.seed = 1;
    rig.pty.master = -1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case FIRMWARE: firmware = optarg; break;
        case BOOTLOADER: bootloader = optarg; break;
        case CHANNELS: channels = atoi(optarg); break;
        case CONTROL: control_path = optarg; break;
        case CONTROL_FD: control = atoi(optarg); break;
        case LINK: rig.pty.link = optarg; break;
        case EEPROM: eeprom = optarg; break;
        case SPEED: rig.speed = strtod(optarg, NULL); break;
        case SEED: rig.seed = strtoull(optarg, NULL, 0); break;
        case AUTO_RESET:
            rig.auto_reset = !strcmp(optarg, "dtr") ? AUTO_RESET_DTR : AUTO_RESET_OPEN;
            failed |= rig.auto_reset == AUTO_RESET_OPEN && strcmp(optarg, "open");
            break;
        case ANY_BAUD: any_baud = true; break;
        case UNPLUGGED: unplugged = true; break;
        case PAUSED: rig.paused = true; break;
        default: failed = true;
        }
    }
    if (failed || optind < argc || channels < 1 || channels > MAX_CHIPS || (!firmware && !bootloader) ||
        !control_path == (control < 0) || rig.speed < 0.0)
        usage();

    board_make(&rig.board, channels, rig.seed);
    uart_make(&rig.uart, &rig.board, &rig.pty, rig.seed);
    rig.uart.any_baud = any_baud;
    rig.uart.lossy = rig.speed == 1.0;
    inputs_make(&rig.inputs, &rig.board);
    ds18b20_make(&rig.ds18b20, &rig.board, channels <= 6);
    if (firmware)
        firmware_load(rig.board.avr, firmware);
    if (bootloader) /* fuse BOOTRST: a reset starts there */
        silicon_fuses(rig.board.avr->reset_pc = firmware_load(rig.board.avr, bootloader));
    if (eeprom) {
        char line[2200], *said = NULL;
        size_t size;
        FILE *out = open_memstream(&said, &size);
        snprintf(line, sizeof line, "memory eeprom 0 write %s", eeprom);
        control_line(&rig, line, out);
        fclose(out);
        if (strncmp(said, "ok", 2)) {
            fprintf(stderr, "rig: --eeprom: %s", said);
            return 2;
        }
    }
    sigaction(SIGTERM, &on_stop, NULL);
    sigaction(SIGINT, &on_stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (control_path)
        listen_at(control_path);
    if (!unplugged) {
        if (pty_plug(&rig.pty)) {
            perror("rig: no pseudo-terminal, or its link cannot be made");
            return 2;
        }
        board_power(&rig.board, true);
    }
    rig_restart_clock(&rig);
    live();
    pty_unplug(&rig.pty);
    trace_close();
    if (socket_path)
        unlink(socket_path);
    return 0;
}
