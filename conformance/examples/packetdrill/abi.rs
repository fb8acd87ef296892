//! The interface in C: `lockstep_packetdrill.h`, member by member. Pointers in, safe calls, numbers and errno out.
//!
//! Every function here is called by packetdrill, which promises what C promises: that `userdata` is what
//! [`lockstep_packetdrill_init`] put there and has not been freed, and that a buffer is as long as its length says. That is
//! what all the `unsafe` of this file relies on.

use std::ffi::{CStr, c_char, c_int, c_longlong, c_uint, c_ulong, c_void};
use std::time::Duration;

use libc::{iovec, msghdr, nfds_t, pollfd, size_t, sockaddr, socklen_t, ssize_t, timeval};
use lockstep_conformance::system::linux::tcp_info;
use lockstep_conformance::system::{
    Call, Descriptor, Errno, FileControl, IoctlRequest, Output, PollEvents, PollFd, ShutdownHow, Success,
};

use crate::convert::{
    address, elements, int, message_flags, option, option_value, part, parts, received, size, tell_address, told,
};
use crate::flags;
use crate::plug::Plug;

/// What packetdrill's clock says when the stack begins, in seconds: a time that is none of today's.
const EPOCH: Duration = Duration::from_secs(1_000_000);

/// `struct lockstep_packetdrill_interface`
#[repr(C)]
pub struct Interface {
    userdata: *mut c_void,
    free: extern "C" fn(*mut c_void),
    socket: extern "C" fn(*mut c_void, c_int, c_int, c_int) -> c_int,
    bind: extern "C" fn(*mut c_void, c_int, *const sockaddr, socklen_t) -> c_int,
    listen: extern "C" fn(*mut c_void, c_int, c_int) -> c_int,
    accept: extern "C" fn(*mut c_void, c_int, *mut sockaddr, *mut socklen_t) -> c_int,
    connect: extern "C" fn(*mut c_void, c_int, *const sockaddr, socklen_t) -> c_int,
    read: extern "C" fn(*mut c_void, c_int, *mut c_void, size_t) -> ssize_t,
    readv: extern "C" fn(*mut c_void, c_int, *const iovec, c_int) -> ssize_t,
    recv: extern "C" fn(*mut c_void, c_int, *mut c_void, size_t, c_int) -> ssize_t,
    recvfrom: extern "C" fn(*mut c_void, c_int, *mut c_void, size_t, c_int, *mut sockaddr, *mut socklen_t) -> ssize_t,
    recvmsg: extern "C" fn(*mut c_void, c_int, *mut msghdr, c_int) -> ssize_t,
    write: extern "C" fn(*mut c_void, c_int, *const c_void, size_t) -> ssize_t,
    writev: extern "C" fn(*mut c_void, c_int, *const iovec, c_int) -> ssize_t,
    send: extern "C" fn(*mut c_void, c_int, *const c_void, size_t, c_int) -> ssize_t,
    sendto: extern "C" fn(*mut c_void, c_int, *const c_void, size_t, c_int, *const sockaddr, socklen_t) -> ssize_t,
    sendmsg: extern "C" fn(*mut c_void, c_int, *const msghdr, c_int) -> ssize_t,
    // In C the last argument of these two is variadic. Where Lockstep runs, on Linux, a callee finds it where it would find
    // an ordinary one.
    fcntl: extern "C" fn(*mut c_void, c_int, c_int, c_int) -> c_int,
    ioctl: extern "C" fn(*mut c_void, c_int, c_ulong, *mut c_int) -> c_int,
    close: extern "C" fn(*mut c_void, c_int) -> c_int,
    shutdown: extern "C" fn(*mut c_void, c_int, c_int) -> c_int,
    getsockopt: extern "C" fn(*mut c_void, c_int, c_int, c_int, *mut c_void, *mut socklen_t) -> c_int,
    setsockopt: extern "C" fn(*mut c_void, c_int, c_int, c_int, *const c_void, socklen_t) -> c_int,
    poll: extern "C" fn(*mut c_void, *mut pollfd, nfds_t, c_int) -> c_int,
    netdev_send: extern "C" fn(*mut c_void, *const c_void, size_t) -> c_int,
    netdev_receive: extern "C" fn(*mut c_void, *mut c_void, *mut size_t, *mut c_longlong) -> c_int,
    usleep: extern "C" fn(*mut c_void, c_uint) -> c_int,
    gettimeofday: extern "C" fn(*mut c_void, *mut timeval, *mut c_void) -> c_int,
}

/// Makes a stack and fills in the structure. Flags that cannot be end the process with a sentence: packetdrill has no way
/// to be told.
#[unsafe(no_mangle)]
pub extern "C" fn lockstep_packetdrill_init(flags: *const c_char, interface: *mut Interface) {
    let flags = if flags.is_null() { "".into() } else { unsafe { CStr::from_ptr(flags) }.to_string_lossy() };
    let stack = flags::stack(&flags).unwrap_or_else(|error| {
        eprintln!("lockstep: {error}");
        std::process::exit(1)
    });
    let filled = Interface {
        userdata: Box::into_raw(Box::new(Plug::new(stack))).cast(),
        free,
        socket,
        bind,
        listen,
        accept,
        connect,
        read,
        readv,
        recv,
        recvfrom,
        recvmsg,
        write,
        writev,
        send,
        sendto,
        sendmsg,
        fcntl,
        ioctl,
        close,
        shutdown,
        getsockopt,
        setsockopt,
        poll,
        netdev_send,
        netdev_receive,
        usleep,
        gettimeofday,
    };
    unsafe { interface.write(filled) }
}

extern "C" fn free(userdata: *mut c_void) {
    drop(unsafe { Box::from_raw(userdata.cast::<Plug>()) });
}

extern "C" fn socket(userdata: *mut c_void, domain: c_int, kind: c_int, protocol: c_int) -> c_int {
    let ours = domain == libc::AF_INET
        && kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC) == libc::SOCK_STREAM
        && matches!(protocol, 0 | libc::IPPROTO_TCP);
    if !ours {
        return int(Err(Errno::EAFNOSUPPORT));
    }
    let fd = int(plug(userdata).call(&Call::Socket));
    if fd >= 0 && kind & libc::SOCK_NONBLOCK != 0 {
        return match fcntl(userdata, fd, libc::F_SETFL, libc::O_NONBLOCK) {
            0 => fd,
            refused => refused,
        };
    }
    fd
}

extern "C" fn bind(userdata: *mut c_void, fd: c_int, at: *const sockaddr, length: socklen_t) -> c_int {
    int(address(at, length).and_then(|address| plug(userdata).call(&Call::Bind { fd: Descriptor(fd), address })))
}

extern "C" fn listen(userdata: *mut c_void, fd: c_int, backlog: c_int) -> c_int {
    int(plug(userdata).call(&Call::Listen { fd: Descriptor(fd), backlog }))
}

extern "C" fn accept(userdata: *mut c_void, fd: c_int, peer: *mut sockaddr, length: *mut socklen_t) -> c_int {
    let ret = plug(userdata).call(&Call::Accept { fd: Descriptor(fd) });
    if let Ok(Success { output: Output::Address(address), .. }) = &ret {
        tell_address(*address, peer, length);
    }
    int(ret)
}

extern "C" fn connect(userdata: *mut c_void, fd: c_int, to: *const sockaddr, length: socklen_t) -> c_int {
    int(address(to, length).and_then(|address| plug(userdata).call(&Call::Connect { fd: Descriptor(fd), address })))
}

extern "C" fn read(userdata: *mut c_void, fd: c_int, buffer: *mut c_void, length: size_t) -> ssize_t {
    received(plug(userdata).call(&Call::Read { fd: Descriptor(fd), length }), &mut [part(buffer, length)])
}

extern "C" fn readv(userdata: *mut c_void, fd: c_int, vector: *const iovec, count: c_int) -> ssize_t {
    let mut parts = parts(vector, usize::try_from(count).unwrap_or(0));
    let length = parts.iter().map(|part| part.len()).sum();
    received(plug(userdata).call(&Call::Read { fd: Descriptor(fd), length }), &mut parts)
}

extern "C" fn recv(userdata: *mut c_void, fd: c_int, buffer: *mut c_void, length: size_t, flags: c_int) -> ssize_t {
    let call = message_flags(flags).map(|flags| Call::Recv { fd: Descriptor(fd), length, flags });
    received(call.and_then(|call| plug(userdata).call(&call)), &mut [part(buffer, length)])
}

/// Where a stream comes from is not told again.
extern "C" fn recvfrom(
    userdata: *mut c_void,
    fd: c_int,
    buffer: *mut c_void,
    length: size_t,
    flags: c_int,
    _: *mut sockaddr,
    address_length: *mut socklen_t,
) -> ssize_t {
    if let Some(address_length) = unsafe { address_length.as_mut() } {
        *address_length = 0;
    }
    recv(userdata, fd, buffer, length, flags)
}

extern "C" fn recvmsg(userdata: *mut c_void, fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t {
    let message = unsafe { &mut *message };
    (message.msg_namelen, message.msg_controllen, message.msg_flags) = (0, 0, 0);
    let mut parts = parts(message.msg_iov, message.msg_iovlen);
    let length = parts.iter().map(|part| part.len()).sum();
    let call = message_flags(flags).map(|flags| Call::Recv { fd: Descriptor(fd), length, flags });
    received(call.and_then(|call| plug(userdata).call(&call)), &mut parts)
}

extern "C" fn write(userdata: *mut c_void, fd: c_int, buffer: *const c_void, length: size_t) -> ssize_t {
    let data = part(buffer.cast_mut(), length).to_vec();
    size(plug(userdata).call(&Call::Write { fd: Descriptor(fd), data }))
}

extern "C" fn writev(userdata: *mut c_void, fd: c_int, vector: *const iovec, count: c_int) -> ssize_t {
    let data = parts(vector, usize::try_from(count).unwrap_or(0)).concat();
    size(plug(userdata).call(&Call::Write { fd: Descriptor(fd), data }))
}

extern "C" fn send(userdata: *mut c_void, fd: c_int, buffer: *const c_void, length: size_t, flags: c_int) -> ssize_t {
    let data = part(buffer.cast_mut(), length).to_vec();
    size(message_flags(flags).and_then(|flags| plug(userdata).call(&Call::Send { fd: Descriptor(fd), data, flags })))
}

/// On a stream the address means nothing, unless it is to open it (RFC 7413), which is not supported.
extern "C" fn sendto(
    userdata: *mut c_void,
    fd: c_int,
    buffer: *const c_void,
    length: size_t,
    flags: c_int,
    _: *const sockaddr,
    _: socklen_t,
) -> ssize_t {
    send(userdata, fd, buffer, length, flags)
}

extern "C" fn sendmsg(userdata: *mut c_void, fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    let message = unsafe { &*message };
    let data = parts(message.msg_iov, message.msg_iovlen).concat();
    size(message_flags(flags).and_then(|flags| plug(userdata).call(&Call::Send { fd: Descriptor(fd), data, flags })))
}

extern "C" fn fcntl(userdata: *mut c_void, fd: c_int, command: c_int, flags: c_int) -> c_int {
    let control = match command {
        libc::F_GETFL => FileControl::GetFlags,
        libc::F_SETFL => FileControl::SetFlags { nonblocking: flags & libc::O_NONBLOCK != 0 },
        _ => return int(Err(Errno::EINVAL)),
    };
    int(plug(userdata).call(&Call::Fcntl { fd: Descriptor(fd), control }))
}

extern "C" fn ioctl(userdata: *mut c_void, fd: c_int, request: c_ulong, told: *mut c_int) -> c_int {
    let Some(request) = IoctlRequest::ALL.iter().find(|known| known.number() == request) else {
        return int(Err(Errno::EINVAL));
    };
    let ret = plug(userdata).call(&Call::Ioctl { fd: Descriptor(fd), request: *request });
    if let (Ok(Success { output: Output::Number(number), .. }), Some(told)) = (&ret, unsafe { told.as_mut() }) {
        *told = *number;
    }
    int(ret)
}

extern "C" fn poll(userdata: *mut c_void, sockets: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int {
    let sockets = elements(sockets, usize::try_from(count).unwrap_or(0));
    let asked = |socket: &pollfd| PollFd { fd: Descriptor(socket.fd), events: PollEvents(socket.events) };
    let timeout = u64::try_from(timeout).ok().map(Duration::from_millis);
    let ret = plug(userdata).call(&Call::Poll { fds: sockets.iter().map(asked).collect(), timeout });
    if let Ok(Success { output: Output::Poll(ready), .. }) = &ret {
        for (socket, PollEvents(events)) in sockets.iter_mut().zip(ready) {
            socket.revents = *events;
        }
    }
    int(ret)
}

extern "C" fn close(userdata: *mut c_void, fd: c_int) -> c_int {
    int(plug(userdata).call(&Call::Close { fd: Descriptor(fd) }))
}

extern "C" fn shutdown(userdata: *mut c_void, fd: c_int, how: c_int) -> c_int {
    let Some(how) = ShutdownHow::ALL.into_iter().find(|known| known.number() == how) else {
        return int(Err(Errno::EINVAL));
    };
    int(plug(userdata).call(&Call::Shutdown { fd: Descriptor(fd), how }))
}

extern "C" fn getsockopt(
    userdata: *mut c_void,
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    length: *mut socklen_t,
) -> c_int {
    let stack = plug(userdata);
    let ret = match (level, name) {
        (libc::IPPROTO_TCP, libc::TCP_INFO) => stack.info(Descriptor(fd)).map(|info| tcp_info::encode(&info)),
        _ => option(level, name).and_then(|option| {
            let call = Call::GetSockOpt { fd: Descriptor(fd), option };
            stack.call(&call).map(|success| told(&success.output))
        }),
    };
    int(ret.map(|told| {
        let room = unsafe { &mut *length };
        let fits = told.len().min(usize::try_from(*room).unwrap_or(0));
        part(value, fits).copy_from_slice(&told[..fits]);
        *room = socklen_t::try_from(fits).unwrap_or(0);
        Success::value(0)
    }))
}

extern "C" fn setsockopt(
    userdata: *mut c_void,
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    length: socklen_t,
) -> c_int {
    let told: &[u8] = part(value.cast_mut(), usize::try_from(length).unwrap_or(0));
    let call = option(level, name).and_then(|option| {
        let value = option_value(option, told)?;
        Ok(Call::SetSockOpt { fd: Descriptor(fd), option, value })
    });
    int(call.and_then(|call| plug(userdata).call(&call)))
}

extern "C" fn netdev_send(userdata: *mut c_void, datagram: *const c_void, length: size_t) -> c_int {
    let sent = plug(userdata).send(part(datagram.cast_mut(), length));
    int(sent.map(|()| Success::value(0)))
}

extern "C" fn netdev_receive(
    userdata: *mut c_void,
    buffer: *mut c_void,
    length: *mut size_t,
    time: *mut c_longlong,
) -> c_int {
    let (length, time) = unsafe { (&mut *length, &mut *time) };
    int(plug(userdata).receive().map(|datagram| {
        let fits = datagram.bytes.len().min(*length);
        part(buffer, fits).copy_from_slice(&datagram.bytes[..fits]);
        *length = fits;
        *time = c_longlong::try_from((EPOCH + datagram.at).as_micros()).unwrap_or(c_longlong::MAX);
        Success::value(0)
    }))
}

extern "C" fn usleep(userdata: *mut c_void, usecs: c_uint) -> c_int {
    int(plug(userdata).sleep(Duration::from_micros(usecs.into())).map(|()| Success::value(0)))
}

extern "C" fn gettimeofday(userdata: *mut c_void, time: *mut timeval, _: *mut c_void) -> c_int {
    let now = EPOCH + plug(userdata).now();
    let time = unsafe { &mut *time };
    time.tv_sec = libc::time_t::try_from(now.as_secs()).unwrap_or(libc::time_t::MAX);
    time.tv_usec = now.subsec_micros().into();
    0
}

fn plug<'a>(userdata: *mut c_void) -> &'a Plug {
    unsafe { &*userdata.cast::<Plug>() }
}
