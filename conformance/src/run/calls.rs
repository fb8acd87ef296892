//! System calls: from a script's words to a system's, and whether what they return is what the script wants.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use lockstep_model::{Seq, SeqNum};

use super::conversation::{Conversation, PEER_PORT, SYSTEM_PORT, text};
use super::rules::{Normalisation, Rules};
use crate::script::{self, Fd, Operation, Polled, Returned, Wanted};
use crate::system::{
    Call, Descriptor, Errno, FileControl, MessageFlags, OptionValue, Output, PEER_ADDRESS, PollFd, Ret, SYSTEM_ADDRESS,
};

/// What the system is told for a socket that was never opened.
const NO_DESCRIPTOR: Descriptor = Descriptor(-1);

/// Where the script's peer is.
const PEER: SocketAddrV4 = SocketAddrV4::new(PEER_ADDRESS, PEER_PORT);

/// The sockets of a script.
#[derive(Default)]
pub(super) struct Sockets {
    open: BTreeMap<Fd, Socket>,
    /// How many of them have had a connection, or asked for one.
    connections: u32,
}

/// A socket, as far as its owner keeps account.
struct Socket {
    descriptor: Descriptor,
    bound: bool,
    /// The number of its connection, the newest has the greatest; 0 is none.
    connection: u32,
    /// How many octets were written.
    written: u32,
    /// The position of the next octet to be read.
    read: Option<u32>,
}

impl Socket {
    fn new(descriptor: Descriptor, connection: u32, read: Option<u32>) -> Self {
        Self { descriptor, bound: false, connection, written: 0, read }
    }
}

/// What follows from a call that returned what the script wants.
#[derive(Default)]
pub(super) struct Settled {
    /// A further call to be made, of which the script knows nothing.
    pub(super) further: Option<Call>,
    /// What the rules let pass.
    pub(super) normalised: Option<Normalisation>,
}

impl Settled {
    /// Whether an error is the one that is written, or the one that the rules name in its place.
    fn passes(&mut self, written: &script::Errno, seen: Errno, rules: &Rules) -> bool {
        let is_seen = |errno: &script::Errno| errno.number() == Some(seen.0);
        let is_in_its_place = rules.error_for(written).as_ref().is_some_and(is_seen);
        if is_in_its_place && !is_seen(written) {
            self.normalised = Some(Normalisation::Errno);
        }
        is_seen(written) || is_in_its_place
    }
}

impl Sockets {
    /// The system's call for an operation of the script.
    pub(super) fn call(&self, operation: &Operation) -> Call {
        let fd = |fd: &Fd| self.descriptor(*fd);
        match operation {
            Operation::Socket { .. } => Call::Socket,
            Operation::Bind(socket) => {
                Call::Bind { fd: fd(socket), address: SocketAddrV4::new(SYSTEM_ADDRESS, SYSTEM_PORT) }
            }
            Operation::Listen { fd: socket, backlog } => Call::Listen { fd: fd(socket), backlog: *backlog },
            Operation::Accept { fd: socket, .. } => Call::Accept { fd: fd(socket) },
            Operation::Connect(socket) => Call::Connect { fd: fd(socket), address: PEER },
            Operation::GetFlags(socket) => Call::Fcntl { fd: fd(socket), control: FileControl::GetFlags },
            Operation::SetFlags { fd: socket, nonblocking } => set_flags(fd(socket), *nonblocking),
            Operation::Receive { fd: socket, length, flags } => {
                Call::Recv { fd: fd(socket), length: *length, flags: *flags }
            }
            Operation::Send { fd: socket, length, flags } => {
                Call::Send { fd: fd(socket), data: self.next_text(*socket, *length), flags: *flags }
            }
            Operation::FastOpen { fd: socket, length, flags } => {
                let data = self.next_text(*socket, *length);
                Call::SendTo { fd: fd(socket), data, flags: *flags, address: PEER }
            }
            Operation::Poll { sockets, timeout } => {
                let ask = |polled: &Polled| PollFd { fd: fd(&polled.fd), events: polled.events };
                Call::Poll { fds: sockets.iter().map(ask).collect(), timeout: *timeout }
            }
            Operation::Ioctl { fd: socket, request, .. } => Call::Ioctl { fd: fd(socket), request: *request },
            Operation::Shutdown { fd: socket, how } => Call::Shutdown { fd: fd(socket), how: *how },
            Operation::Close(socket) => Call::Close { fd: fd(socket) },
            Operation::SetOption { fd: socket, option, value } => {
                Call::SetSockOpt { fd: fd(socket), option: *option, value: value.clone() }
            }
            Operation::GetOption { fd: socket, option, .. } => Call::GetSockOpt { fd: fd(socket), option: *option },
        }
    }

    /// The text that is written next to a socket.
    fn next_text(&self, socket: Fd, length: usize) -> Vec<u8> {
        let written = self.open.get(&socket).map_or(0, |socket| socket.written);
        text(Seq::new(written).plus(1).raw(), length)
    }

    /// Whether the socket of an operation is open, if it has one.
    pub(super) fn know(&self, operation: &Operation) -> bool {
        self.call(operation).descriptor() != Some(NO_DESCRIPTOR)
    }

    /// The socket of the newest connection, if one is open.
    pub(super) fn newest(&self) -> Option<Descriptor> {
        let newest = self.open.values().filter(|socket| socket.connection > 0).max_by_key(|socket| socket.connection);
        newest.map(|socket| socket.descriptor)
    }

    /// Tells the conversation what a call is about to begin.
    pub(super) fn announce(&mut self, operation: &Operation, conversation: &mut Conversation) {
        if let Operation::Connect(fd) | Operation::FastOpen { fd, .. } = operation
            && let Some(socket) = self.open.get_mut(fd)
            && socket.connection == 0
        {
            self.connections += 1;
            socket.connection = self.connections;
            conversation.opens_actively(socket.bound);
        }
    }

    /// Accounts for what a call returned, and compares it with what the script wants.
    pub(super) fn settle(
        &mut self,
        operation: &Operation,
        wanted: &Returned,
        ret: &Ret,
        conversation: &Conversation,
        rules: &Rules,
    ) -> Result<Settled, String> {
        let opens = matches!(operation, Operation::Socket { .. } | Operation::Accept { .. });
        let mut settled = Settled::default();
        let as_wanted = match (wanted, ret) {
            (Returned::Any, _) | (Returned::Value(-1), Err(_)) => true,
            (Returned::Value(value), Ok(success)) => *value == success.value || (opens && *value >= 0),
            (Returned::Error(errno), Err(seen)) => settled.passes(errno, *seen, rules),
            (Returned::Value(_), Err(_)) | (Returned::Error(_), Ok(_)) => false,
        };
        if !as_wanted {
            return Err(format!("it returns {}", returned(ret)));
        }
        let Ok(success) = ret else { return Ok(settled) };
        if opens {
            settled.further = self.open(operation, wanted, success.value, conversation);
        } else if let Operation::GetOption { value, .. } = operation {
            option_is(value, &success.output, rules, &mut settled)?;
        } else {
            self.account(operation, &success.output, success.value, conversation)?;
        }
        Ok(settled)
    }

    /// Takes in a new socket under the number that the script gives it.
    fn open(
        &mut self,
        operation: &Operation,
        wanted: &Returned,
        value: i64,
        conversation: &Conversation,
    ) -> Option<Call> {
        let descriptor = Descriptor(i32::try_from(value).unwrap_or(-1));
        let number = if let Returned::Value(number) = wanted { *number } else { value };
        let accepted = matches!(operation, Operation::Accept { .. });
        self.connections += u32::from(accepted);
        let connection = if accepted { self.connections } else { 0 };
        let socket = Socket::new(descriptor, connection, accepted.then(|| conversation.first_position()));
        self.open.insert(Fd(i32::try_from(number).ok()?), socket);
        let nonblocking =
            matches!(operation, Operation::Socket { nonblocking: true } | Operation::Accept { nonblocking: true, .. });
        nonblocking.then(|| set_flags(descriptor, true))
    }

    /// Accounts for a call that succeeded on an open socket.
    fn account(
        &mut self,
        operation: &Operation,
        output: &Output,
        value: i64,
        conversation: &Conversation,
    ) -> Result<(), String> {
        match operation {
            Operation::Bind(fd) => self.open.entry(*fd).and_modify(|socket| socket.bound = true),
            Operation::Send { fd, .. } | Operation::FastOpen { fd, .. } => {
                let length = u32::try_from(value).unwrap_or(0);
                self.open.entry(*fd).and_modify(|socket| socket.written = Seq::new(socket.written).plus(length).raw())
            }
            Operation::Close(fd) => {
                self.open.remove(fd);
                return Ok(());
            }
            // Urgent data is read out of its order.
            Operation::Receive { flags: MessageFlags { out_of_band: true, .. }, .. } => return Ok(()),
            Operation::Receive { fd, flags, .. } => return self.receive(*fd, flags.peek, output, conversation),
            Operation::Poll { sockets, .. } => return polled_is(sockets, output),
            Operation::Ioctl { value, .. } => return number_is(*value, output),
            Operation::Socket { .. }
            | Operation::GetOption { .. }
            | Operation::Accept { .. }
            | Operation::Listen { .. }
            | Operation::Connect(_)
            | Operation::GetFlags(_)
            | Operation::SetFlags { .. }
            | Operation::Shutdown { .. }
            | Operation::SetOption { .. } => return Ok(()),
        };
        Ok(())
    }

    /// Whether the text that was read is what the peer sent at this place.
    fn receive(&mut self, fd: Fd, peek: bool, output: &Output, conversation: &Conversation) -> Result<(), String> {
        let (Some(socket), Output::Data(data)) = (self.open.get_mut(&fd), output) else { return Ok(()) };
        let position = socket.read.unwrap_or_else(|| conversation.first_position());
        if *data != text(position, data.len()) {
            return Err("the text is not what the peer sent at this place".to_owned());
        }
        let length = if peek { 0 } else { u32::try_from(data.len()).unwrap_or(u32::MAX) };
        socket.read = Some(Seq::new(position).plus(length).raw());
        Ok(())
    }

    /// What the system calls a socket; what it never opened gets a number that is no descriptor.
    fn descriptor(&self, fd: Fd) -> Descriptor {
        self.open.get(&fd).map_or(NO_DESCRIPTOR, |socket| socket.descriptor)
    }
}

fn set_flags(fd: Descriptor, nonblocking: bool) -> Call {
    Call::Fcntl { fd, control: FileControl::SetFlags { nonblocking } }
}

fn option_is(wanted: &Wanted, output: &Output, rules: &Rules, settled: &mut Settled) -> Result<(), String> {
    let Output::Option(seen) = output else { return Ok(()) };
    let passes = match (wanted, seen) {
        (Wanted::Any, _) => true,
        (Wanted::Error(errno), OptionValue::Int(seen)) => settled.passes(errno, Errno(*seen), rules),
        (Wanted::Error(_), _) => false,
        (Wanted::Value(wanted), seen) => wanted == seen,
    };
    if passes {
        return Ok(());
    }
    Err(match (wanted, seen) {
        (Wanted::Error(_), OptionValue::Int(0)) => "the option says that there is no error".to_owned(),
        (Wanted::Error(_), OptionValue::Int(errno)) => format!("the option is {}", Errno(*errno)),
        (_, OptionValue::Int(value)) => format!("the option is {value}"),
        (_, OptionValue::Linger { on, seconds }) => {
            format!("the option is {{onoff={}, linger={seconds}}}", u8::from(*on))
        }
        (_, OptionValue::Time(time)) => format!("the option is {time:?}"),
        (_, OptionValue::Text(name)) => format!("the option is {name}"),
        (_, OptionValue::Bytes(bytes)) => format!("the option is {bytes:02x?}"),
    })
}

/// Whether `poll` tells of each socket what the script wants.
fn polled_is(wanted: &[Polled], output: &Output) -> Result<(), String> {
    let Output::Poll(seen) = output else { return Ok(()) };
    if wanted.iter().map(|polled| polled.revents).eq(seen.iter().copied()) {
        return Ok(());
    }
    let seen: Vec<String> = seen.iter().map(ToString::to_string).collect();
    Err(format!("revents are {}", seen.join(", ")))
}

fn number_is(wanted: Option<i64>, output: &Output) -> Result<(), String> {
    match (wanted, output) {
        (Some(wanted), Output::Number(seen)) if wanted != i64::from(*seen) => Err(format!("it says {seen}")),
        (Some(_) | None, _) => Ok(()),
    }
}

/// What a call returned, as a script writes it.
pub(crate) fn returned(ret: &Ret) -> String {
    match ret {
        Ok(success) => success.value.to_string(),
        Err(errno) => format!("-1 {errno}"),
    }
}
