/* The interface by which Google's packetdrill drives a network stack in a shared object instead of the kernel's
 * (`--so_filename`). A stack exports packetdrill_interface_init(), which fills in this structure; packetdrill then makes
 * all its system calls, sends and receives all packets and reads all clocks through it.
 *
 * The names and types of the members are what matters: interface.c copies them by name into the structure of whatever
 * packetdrill it is compiled with, so that an interpreter that has them in another order is served too. */

#ifndef LOCKSTEP_PACKETDRILL_H
#define LOCKSTEP_PACKETDRILL_H

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct lockstep_packetdrill_interface {
	void *userdata;
	void (*free)(void *userdata);

	int (*socket)(void *userdata, int domain, int type, int protocol);
	int (*bind)(void *userdata, int fd, const struct sockaddr *address, socklen_t length);
	int (*listen)(void *userdata, int fd, int backlog);
	int (*accept)(void *userdata, int fd, struct sockaddr *address, socklen_t *length);
	int (*connect)(void *userdata, int fd, const struct sockaddr *address, socklen_t length);
	ssize_t (*read)(void *userdata, int fd, void *buffer, size_t length);
	ssize_t (*readv)(void *userdata, int fd, const struct iovec *parts, int count);
	ssize_t (*recv)(void *userdata, int fd, void *buffer, size_t length, int flags);
	ssize_t (*recvfrom)(void *userdata, int fd, void *buffer, size_t length, int flags,
			    struct sockaddr *address, socklen_t *address_length);
	ssize_t (*recvmsg)(void *userdata, int fd, struct msghdr *message, int flags);
	ssize_t (*write)(void *userdata, int fd, const void *buffer, size_t length);
	ssize_t (*writev)(void *userdata, int fd, const struct iovec *parts, int count);
	ssize_t (*send)(void *userdata, int fd, const void *buffer, size_t length, int flags);
	ssize_t (*sendto)(void *userdata, int fd, const void *buffer, size_t length, int flags,
			  const struct sockaddr *address, socklen_t address_length);
	ssize_t (*sendmsg)(void *userdata, int fd, const struct msghdr *message, int flags);
	int (*fcntl)(void *userdata, int fd, int command, ...);
	int (*ioctl)(void *userdata, int fd, unsigned long request, ...);
	int (*close)(void *userdata, int fd);
	int (*shutdown)(void *userdata, int fd, int how);
	int (*getsockopt)(void *userdata, int fd, int level, int option, void *value, socklen_t *length);
	int (*setsockopt)(void *userdata, int fd, int level, int option, const void *value, socklen_t length);
	int (*poll)(void *userdata, struct pollfd *sockets, nfds_t count, int timeout);

	/* Gives the stack an IP datagram. */
	int (*netdev_send)(void *userdata, const void *datagram, size_t length);
	/* Waits for the next IP datagram of the stack, and tells its length and when it was sent, in microseconds. */
	int (*netdev_receive)(void *userdata, void *buffer, size_t *length, long long *time_usecs);
	int (*usleep)(void *userdata, useconds_t usecs);
	int (*gettimeofday)(void *userdata, struct timeval *time, struct timezone *zone);
};

/* What the stack exports. `flags` (packetdrill's --so_flags) may say `local=192.0.2.1/24`, `gateway=192.0.2.2`,
 * `mtu=1500` and knobs such as `net.ipv4.tcp_sack=0`, separated by commas. */
void lockstep_packetdrill_init(const char *flags, struct lockstep_packetdrill_interface *interface);

#endif
