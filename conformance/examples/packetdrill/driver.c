/* Drives a stack through packetdrill's interface as packetdrill does: calls that block in a second thread, packets and
 * time in the first. Says what it sees, a line each; whatever must not be ends it.
 *
 *   driver lockstep.so flags
 */

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "packetdrill.h"

#define PEER_PORT 40000
#define PORT 8080
#define PEER_ISN 1000u

static struct packetdrill_interface stack;

static void must(int holds, const char *what)
{
	if (!holds) {
		printf("not so: %s (%s)\n", what, strerror(errno));
		exit(1);
	}
}

static unsigned sum(const void *bytes, size_t length, unsigned start)
{
	const unsigned char *at = bytes;
	for (size_t i = 0; i < length; i++)
		start += i % 2 ? at[i] : at[i] << 8;
	return start;
}

static unsigned short folded(unsigned total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htons(~total);
}

/* The peer sends a segment. */
static void inject(unsigned char flags, unsigned seq, unsigned ack, const char *text)
{
	struct { struct iphdr ip; struct tcphdr tcp; char text[64]; } packet;
	size_t length = strlen(text), all = sizeof(struct iphdr) + sizeof(struct tcphdr) + length;
	memset(&packet, 0, sizeof(packet));
	packet.ip = (struct iphdr){ .version = 4, .ihl = 5, .tot_len = htons(all), .ttl = 64, .protocol = IPPROTO_TCP,
				    .saddr = inet_addr("192.0.2.2"), .daddr = inet_addr("192.0.2.1") };
	packet.ip.check = folded(sum(&packet.ip, sizeof(packet.ip), 0));
	packet.tcp = (struct tcphdr){ .source = htons(PEER_PORT), .dest = htons(PORT), .seq = htonl(seq),
				      .ack_seq = htonl(ack), .doff = 5, .window = htons(65535) };
	((unsigned char *)&packet.tcp)[13] = flags;
	memcpy(packet.text, text, length);
	unsigned total = sum(&packet.ip.saddr, 8, IPPROTO_TCP + sizeof(packet.tcp) + length);
	packet.tcp.check = folded(sum(&packet.tcp, sizeof(packet.tcp) + length, total));
	must(stack.netdev_send(stack.userdata, &packet, all) == 0, "a packet can be sent");
}

/* The next segment of the stack, told in a line. Returns its number. */
static unsigned expect(const char *when)
{
	unsigned char bytes[2000];
	size_t length = sizeof(bytes);
	long long usecs;
	static long long began;
	must(stack.netdev_receive(stack.userdata, bytes, &length, &usecs) == 0, "a packet comes");
	struct timeval now;
	stack.gettimeofday(stack.userdata, &now, NULL);
	must(usecs <= now.tv_sec * 1000000LL + now.tv_usec, "no packet is of the future");
	if (began == 0)
		began = usecs;
	struct iphdr *ip = (struct iphdr *)bytes;
	struct tcphdr *tcp = (struct tcphdr *)(bytes + ip->ihl * 4);
	must(length == ntohs(ip->tot_len), "its length is its length");
	printf("%s: flags %02x ack %u and %zu octets after %lld us\n", when, ((unsigned char *)tcp)[13],
	       ntohl(tcp->ack_seq) - PEER_ISN, length - ip->ihl * 4 - tcp->doff * 4, usecs - began);
	return ntohl(tcp->seq);
}

static void *accepting(void *listener)
{
	struct sockaddr_in peer;
	socklen_t length = sizeof(peer);
	int fd = stack.accept(stack.userdata, *(int *)listener, (struct sockaddr *)&peer, &length);
	printf("accepted from %s:%d\n", inet_ntoa(peer.sin_addr), ntohs(peer.sin_port));
	return (void *)(long)fd;
}

static int listening(void)
{
	int fd = stack.socket(stack.userdata, AF_INET, SOCK_STREAM, IPPROTO_TCP), one = 1;
	must(fd >= 0, "a socket");
	must(stack.setsockopt(stack.userdata, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0, "an option");
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = INADDR_ANY };
	must(stack.bind(stack.userdata, fd, (struct sockaddr *)&at, sizeof(at)) == 0, "bind");
	must(stack.listen(stack.userdata, fd, 1) == 0, "listen");
	return fd;
}

static void talk(int fd, unsigned iss)
{
	char text[64] = "";
	struct iovec parts[2] = { { text, 3 }, { text + 3, 60 } };
	inject(TH_PUSH | TH_ACK, PEER_ISN + 1, iss + 1, "hello");
	expect("acknowledgment");
	int waiting = 0;
	must(stack.ioctl(stack.userdata, fd, FIONREAD, &waiting) == 0, "it tells what can be read");
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	must(stack.poll(stack.userdata, &ready, 1, 0) == 1 && ready.revents == POLLIN, "it can be read");
	ssize_t length = stack.readv(stack.userdata, fd, parts, 2);
	printf("%d octets wait, %zd are read: %s\n", waiting, length, text);
	must(stack.write(stack.userdata, fd, "goodbye", 7) == 7, "it can be written");
	expect("text");
	inject(TH_ACK, PEER_ISN + 6, iss + 8, "");
	must(stack.fcntl(stack.userdata, fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0, "it need not block");
	must(stack.read(stack.userdata, fd, text, 1) == -1 && errno == EAGAIN, "there is nothing to read");
	struct tcp_info info;
	socklen_t size = sizeof(info);
	must(stack.getsockopt(stack.userdata, fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0, "TCP_INFO");
	printf("tcpi_state %d tcpi_unacked %u\n", info.tcpi_state, info.tcpi_unacked);
}

int main(int count, char **words)
{
	must(count == 3, "usage: driver STACK.so FLAGS");
	void *object = dlopen(words[1], RTLD_NOW);
	if (!object)
		printf("%s\n", dlerror());
	must(object != NULL, "the shared object is one");
	packetdrill_interface_init_t init = (packetdrill_interface_init_t)dlsym(object, "packetdrill_interface_init");
	must(init != NULL, "it has the interface");
	init(words[2], &stack);

	int listener = listening();
	pthread_t thread;
	pthread_create(&thread, NULL, accepting, &listener);
	inject(TH_SYN, PEER_ISN, 0, "");
	unsigned iss = expect("handshake");
	inject(TH_ACK, PEER_ISN + 1, iss + 1, "");
	void *accepted;
	pthread_join(thread, &accepted);
	int fd = (int)(long)accepted;

	talk(fd, iss);
	struct timeval before, after;
	stack.gettimeofday(stack.userdata, &before, NULL);
	for (int hours = 0; hours < 4; hours++)
		stack.usleep(stack.userdata, 3600000000u);
	stack.gettimeofday(stack.userdata, &after, NULL);
	printf("%ld s of sleep\n", after.tv_sec - before.tv_sec);

	must(stack.shutdown(stack.userdata, fd, SHUT_WR) == 0, "shutdown");
	expect("end");
	inject(TH_RST, PEER_ISN + 6, 0, "");
	char octet;
	must(stack.read(stack.userdata, fd, &octet, 1) == -1 && errno == ECONNRESET, "the reset is told");
	must(stack.close(stack.userdata, fd) == 0 && stack.close(stack.userdata, fd) == -1, "what is closed is closed");
	must(stack.close(stack.userdata, listener) == 0, "the listener closes");
	stack.free(stack.userdata);
	printf("done\n");
	return 0;
}
