//! What POSIX promises its users, as scripts that every system follows which imitates it.

/// A connection that the peer opens, and the user accepts.
pub(super) const PASSIVE: &str = "
    +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
    +0 bind(3, ..., ...) = 0
    +0 listen(3, 1) = 0
    +0 < S 0:0(0) win 65535 <mss 1460>
    +0 > S. 0:0(0) ack 1 <mss 1460>
    +0 < . 1:1(0) ack 1 win 65535
    +0 accept(3, ..., ...) = 4";

/// All of them.
pub(super) fn promises() -> impl Iterator<Item = String> {
    let alone = [CONNECTING_IS_TOLD_ONCE, THE_WRONG_SOCKET_IS_REFUSED].map(str::to_owned);
    let accepted =
        [A_RESET_IS_TOLD_ONCE, READING_WAITS_FOR_TEXT_OR_THE_END, THE_DEAF_WAIT_FOR_NOTHING, SHUTTING_ENDS_WRITING];
    alone.into_iter().chain(accepted.map(|promise| format!("{PASSIVE}\n{promise}")))
}

const CONNECTING_IS_TOLD_ONCE: &str = "
    0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
    +0 connect(3, ..., ...) = -1 EINPROGRESS
    +0 > S 0:0(0) <mss 1460>
    +0 connect(3, ..., ...) = -1 EALREADY
    +0 read(3, ..., 1) = -1 EAGAIN
    +0 write(3, ..., 1) = -1 EAGAIN
    +0 < R. 0:0(0) ack 1 win 0
    +0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0
    +0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
    +0 write(3, ..., 1) = -1 EPIPE";

const THE_WRONG_SOCKET_IS_REFUSED: &str = "
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
    +0 accept(3, ..., ...) = -1 EINVAL
    +0 read(3, ..., 1) = -1 ENOTCONN
    +0 write(3, ..., 1) = -1 EPIPE
    +0 shutdown(3, SHUT_WR) = -1 ENOTCONN
    +0 bind(3, ..., ...) = 0
    +0 bind(3, ..., ...) = -1 EINVAL
    +0 listen(3, 1) = 0
    +0 listen(3, 1) = 0
    +0 connect(3, ..., ...) = -1 EISCONN
    +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4
    +0 bind(4, ..., ...) = -1 EADDRINUSE
    +0 fcntl(3, F_GETFL) = 2
    +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
    +0 fcntl(3, F_GETFL) = 2050
    +0 accept(3, ..., ...) = -1 EAGAIN
    +0 close(3) = 0
    +0 bind(4, ..., ...) = 0";

const A_RESET_IS_TOLD_ONCE: &str = "
    +0 < R 1:1(0) win 0
    +0 read(4, ..., 100) = -1 ECONNRESET
    +0 read(4, ..., 100) = 0
    +0 write(4, ..., 10) = -1 EPIPE
    +0 shutdown(4, SHUT_WR) = -1 ENOTCONN
    +0 close(4) = 0
    +0 close(4) = -1 EBADF";

const READING_WAITS_FOR_TEXT_OR_THE_END: &str = "
    +0 recv(4, ..., 100, MSG_DONTWAIT) = -1 EAGAIN
    +0...0.1 read(4, ..., 100) = 10
    +0.1 < P. 1:11(10) ack 1 win 65535
    +0~+0.5 > . 1:1(0) ack 11
    +0 < P. 11:21(10) ack 1 win 65535
    +0~+0.5 > . 1:1(0) ack 21
    +0 recv(4, ..., 6, MSG_PEEK) = 6
    +0 recv(4, ..., 6, MSG_PEEK) = 6
    +0 read(4, ..., 100) = 10
    +0...0.1 read(4, ..., 100) = 0
    +0.1 < F. 21:21(0) ack 1 win 65535
    +0~+0.5 > . 1:1(0) ack 22
    +0 read(4, ..., 100) = 0";

const THE_DEAF_WAIT_FOR_NOTHING: &str = "
    +0 shutdown(4, SHUT_RD) = 0
    +0 read(4, ..., 100) = 0";

const SHUTTING_ENDS_WRITING: &str = "
    +0 shutdown(4, SHUT_WR) = 0
    +0 > F. 1:1(0) ack 1
    +0 shutdown(4, SHUT_WR) = 0
    +0 write(4, ..., 1) = -1 EPIPE
    +0 < . 1:1(0) ack 2 win 65535";
