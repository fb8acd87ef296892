/* Makes Lockstep drivable by a packetdrill whose structure has its members in an order of its own. Compiled with the
 * header of that packetdrill and linked with liblockstep_packetdrill.so, it is the file for --so_filename:
 *
 *   cc -shared -fPIC -I .../packetdrill -o lockstep.so interface.c -L target/release/examples -llockstep_packetdrill
 */

#include "lockstep_packetdrill.h"
#include "packetdrill.h"

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *theirs)
{
	struct lockstep_packetdrill_interface ours;
	lockstep_packetdrill_init(flags, &ours);
	theirs->userdata = ours.userdata;
	theirs->free = ours.free;
	theirs->socket = ours.socket;
	theirs->bind = ours.bind;
	theirs->listen = ours.listen;
	theirs->accept = ours.accept;
	theirs->connect = ours.connect;
	theirs->read = ours.read;
	theirs->readv = ours.readv;
	theirs->recv = ours.recv;
	theirs->recvfrom = ours.recvfrom;
	theirs->recvmsg = ours.recvmsg;
	theirs->write = ours.write;
	theirs->writev = ours.writev;
	theirs->send = ours.send;
	theirs->sendto = ours.sendto;
	theirs->sendmsg = ours.sendmsg;
	theirs->fcntl = ours.fcntl;
	theirs->ioctl = ours.ioctl;
	theirs->close = ours.close;
	theirs->shutdown = ours.shutdown;
	theirs->getsockopt = ours.getsockopt;
	theirs->setsockopt = ours.setsockopt;
	theirs->poll = ours.poll;
	theirs->netdev_send = ours.netdev_send;
	theirs->netdev_receive = ours.netdev_receive;
	theirs->usleep = ours.usleep;
	theirs->gettimeofday = ours.gettimeofday;
}
