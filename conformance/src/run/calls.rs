//! System calls: from a script's words to a system's, and whether what they return is what the script wants.

use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddrV4};

use lockstep_model::{Seq, SeqNum};

use super::conversation::{Conversation, PEER_PORT, SYSTEM_PORT, text};
use super::rules::{Normalisation, Rules};
use crate::script::{self, Fd, Operation, OptionName, OptionValue, Returned};
use crate::system::{
    self, Call, Descriptor, Errno, FileControl, MessageFlags, Output, PEER_ADDRESS, Ret, SYSTEM_ADDRESS, ShutdownHow,
    SocketOption,
};

/// What the system is told for a socket that was never opened.
const NO_DESCRIPTOR: Descriptor = Descriptor(-1);

/// The sockets of a script.
#[derive(Default)]
pub(super) struct Sockets {
    open: BTreeMap<Fd, Socket>,
}

/// A socket, as far as its owner keeps account.
struct Socket {
    descriptor: Descriptor,
    bound: bool,
    connected: bool,
    /// How many octets were written.
    written: u32,
    /// The position of the next octet to be read.
    read: Option<u32>,
}

impl Socket {
    fn new(descriptor: Descriptor, read: Option<u32>) -> Self {
        Self { descriptor, bound: false, connected: false, written: 0, read }
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
            Operation::Accept(socket) => Call::Accept { fd: fd(socket) },
            Operation::Connect(socket) => {
                Call::Connect { fd: fd(socket), address: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT) }
            }
            Operation::GetFlags(socket) => Call::Fcntl { fd: fd(socket), control: FileControl::GetFlags },
            Operation::SetFlags { fd: socket, nonblocking } => set_flags(fd(socket), *nonblocking),
            Operation::Receive { fd: socket, length, peek, nonblocking } => {
                let flags = MessageFlags { peek: *peek, dont_wait: *nonblocking, ..MessageFlags::default() };
                Call::Recv { fd: fd(socket), length: *length, flags }
            }
            Operation::Send { fd: socket, length, urgent, nonblocking } => {
                let written = self.open.get(socket).map_or(0, |socket| socket.written);
                let data = text(Seq::new(written).plus(1).raw(), *length);
                let flags = MessageFlags { out_of_band: *urgent, dont_wait: *nonblocking, ..MessageFlags::default() };
                Call::Send { fd: fd(socket), data, flags }
            }
            Operation::Shutdown { fd: socket, how } => Call::Shutdown { fd: fd(socket), how: direction(*how) },
            Operation::Close(socket) => Call::Close { fd: fd(socket) },
            Operation::SetOption { fd: socket, option, value } => {
                Call::SetSockOpt { fd: fd(socket), option: option_name(*option), value: option_value(value) }
            }
            Operation::GetOption { fd: socket, option, .. } => {
                Call::GetSockOpt { fd: fd(socket), option: option_name(*option) }
            }
        }
    }

    /// Whether the socket of an operation is open, if it has one.
    pub(super) fn know(&self, operation: &Operation) -> bool {
        self.call(operation).descriptor() != Some(NO_DESCRIPTOR)
    }

    /// Tells the conversation what a call is about to begin.
    pub(super) fn announce(&mut self, operation: &Operation, conversation: &mut Conversation) {
        if let Operation::Connect(fd) = operation
            && let Some(socket) = self.open.get_mut(fd)
            && !std::mem::replace(&mut socket.connected, true)
        {
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
        let opens = matches!(operation, Operation::Socket { .. } | Operation::Accept(_));
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
        let accepted = matches!(operation, Operation::Accept(_));
        let socket = Socket::new(descriptor, accepted.then(|| conversation.first_position()));
        self.open.insert(Fd(i32::try_from(number).ok()?), socket);
        matches!(operation, Operation::Socket { nonblocking: true }).then(|| set_flags(descriptor, true))
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
            Operation::Send { fd, .. } => {
                let length = u32::try_from(value).unwrap_or(0);
                self.open.entry(*fd).and_modify(|socket| socket.written = Seq::new(socket.written).plus(length).raw())
            }
            Operation::Close(fd) => {
                self.open.remove(fd);
                return Ok(());
            }
            Operation::Receive { fd, peek, .. } => return self.receive(*fd, *peek, output, conversation),
            Operation::Socket { .. }
            | Operation::GetOption { .. }
            | Operation::Accept(_)
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

fn direction(how: Shutdown) -> ShutdownHow {
    match how {
        Shutdown::Read => ShutdownHow::Read,
        Shutdown::Write => ShutdownHow::Write,
        Shutdown::Both => ShutdownHow::Both,
    }
}

fn option_name(option: OptionName) -> SocketOption {
    match option {
        OptionName::Error => SocketOption::Error,
        OptionName::ReceiveBuffer => SocketOption::RcvBuf,
        OptionName::SendBuffer => SocketOption::SndBuf,
        OptionName::ReuseAddress => SocketOption::ReuseAddr,
        OptionName::Linger => SocketOption::Linger,
        OptionName::NoDelay => SocketOption::NoDelay,
    }
}

/// The value to set; scripts set nothing but numbers and lingering.
fn option_value(value: &OptionValue) -> system::OptionValue {
    let int = |value: i64| i32::try_from(value).unwrap_or(i32::MAX);
    match value {
        OptionValue::Any => system::OptionValue::Int(0),
        OptionValue::Integer(value) => system::OptionValue::Int(int(*value)),
        OptionValue::Error(errno) => system::OptionValue::Int(errno.number().unwrap_or(0)),
        OptionValue::Linger { on, seconds } => system::OptionValue::Linger { on: *on, seconds: int(*seconds) },
    }
}

fn option_is(wanted: &OptionValue, output: &Output, rules: &Rules, settled: &mut Settled) -> Result<(), String> {
    let Output::Option(seen) = output else { return Ok(()) };
    let passes = match (wanted, seen) {
        (OptionValue::Any, _) => true,
        (OptionValue::Error(errno), system::OptionValue::Int(seen)) => settled.passes(errno, Errno(*seen), rules),
        (OptionValue::Integer(_) | OptionValue::Linger { .. } | OptionValue::Error(_), seen) => {
            *seen == option_value(wanted)
        }
    };
    if passes {
        return Ok(());
    }
    Err(match (wanted, seen) {
        (OptionValue::Error(_), system::OptionValue::Int(0)) => "the option says that there is no error".to_owned(),
        (OptionValue::Error(_), system::OptionValue::Int(errno)) => format!("the option is {}", Errno(*errno)),
        (_, system::OptionValue::Int(value)) => format!("the option is {value}"),
        (_, system::OptionValue::Linger { on, seconds }) => {
            format!("the option is {{onoff={}, linger={seconds}}}", u8::from(*on))
        }
        (_, system::OptionValue::Time(time)) => format!("the option is {time:?}"),
        (_, system::OptionValue::Text(name)) => format!("the option is {name}"),
        (_, system::OptionValue::Bytes(bytes)) => format!("the option is {bytes:02x?}"),
    })
}

/// What a call returned, as a script writes it.
pub(crate) fn returned(ret: &Ret) -> String {
    match ret {
        Ok(success) => success.value.to_string(),
        Err(errno) => format!("-1 {errno}"),
    }
}
