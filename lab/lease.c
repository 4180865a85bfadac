/* lease: a tiny DHCPv6 client, for the lab's instances of Incus and LXD.
 *
 *   lease INTERFACE
 *
 * Prints the address that the server gives it, and ends; asks each second until then, and less often later. It never renews: their server keeps an
 * address for the one that it is configured for. Unlike busybox's client it is the same client after each start (its IAID does
 * not change), without which dnsmasq would give another address than the configured one. */
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOLICIT = 1, REPLY = 7, CLIENTID = 1, IA_NA = 3, IAADDR = 5, ELAPSED = 8, RAPID_COMMIT = 14 };

static unsigned char *option(unsigned char *at, int code, const void *data, int length)
{
    at[0] = 0, at[1] = (unsigned char)code, at[2] = 0, at[3] = (unsigned char)length;
    if (length)
        memcpy(at + 4, data, (size_t)length);
    return at + 4 + length;
}

/* The data of the first option of that code in what lies from `at` to `end`, or NULL. */
static const unsigned char *find(const unsigned char *at, const unsigned char *end, int code, const unsigned char **stop)
{
    while (at + 4 <= end) {
        const unsigned char *next = at + 4 + (at[2] << 8 | at[3]);
        if (next > end)
            return NULL;
        if ((at[0] << 8 | at[1]) == code) {
            *stop = next;
            return at + 4;
        }
        at = next;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct ifreq link = {0};
    struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_port = htons(546)};
    struct sockaddr_in6 servers = {.sin6_family = AF_INET6, .sin6_port = htons(547)};
    unsigned char out[128], in[1500], duid[10] = {0, 3, 0, 1}, association[12] = {0}, elapsed[2] = {0};
    int wire = socket(AF_INET6, SOCK_DGRAM, 0), on = 1;

    if (argc != 2 || wire < 0)
        return 2;
    strncpy(link.ifr_name, argv[1], IFNAMSIZ - 1);
    if (ioctl(wire, SIOCGIFHWADDR, &link) < 0) {
        perror(argv[1]);
        return 1;
    }
    memcpy(duid + 4, link.ifr_hwaddr.sa_data, 6);
    memcpy(association, link.ifr_hwaddr.sa_data + 2, 4);
    setsockopt(wire, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(wire, SOL_SOCKET, SO_BINDTODEVICE, argv[1], (socklen_t)strlen(argv[1]));
    if (bind(wire, (void *)&here, sizeof here) < 0) {
        perror("bind");
        return 1;
    }
    inet_pton(AF_INET6, "ff02::1:2", &servers.sin6_addr);
    servers.sin6_scope_id = if_nametoindex(argv[1]);

    for (unsigned turn = 1;; turn++) {
        struct pollfd ready = {.fd = wire, .events = POLLIN};
        unsigned char *at = out + 4;
        out[0] = SOLICIT, out[1] = duid[8], out[2] = duid[9], out[3] = (unsigned char)turn;
        at = option(at, CLIENTID, duid, sizeof duid);
        at = option(at, IA_NA, association, sizeof association);
        at = option(at, ELAPSED, elapsed, sizeof elapsed);
        at = option(at, RAPID_COMMIT, NULL, 0);
        /* fails while the link-local address is tentative */
        long sent = sendto(wire, out, (size_t)(at - out), 0, (void *)&servers, sizeof servers);
        if (sent < 0 || poll(&ready, 1, turn < 10 ? 1000 : 10000) <= 0) {
            if (sent < 0)
                usleep(100000);
            continue;
        }
        long got = recv(wire, in, sizeof in, 0);
        const unsigned char *stop = in + got, *ours;
        if (got < 4 || in[0] != REPLY || !(ours = find(in + 4, stop, IA_NA, &stop)) || stop - ours < 12 ||
            !(ours = find(ours + 12, stop, IAADDR, &stop)) || stop - ours < 24) {
            usleep(500000);
            continue;
        }
        char text[INET6_ADDRSTRLEN];
        puts(inet_ntop(AF_INET6, ours, text, sizeof text));
        return 0;
    }
}
