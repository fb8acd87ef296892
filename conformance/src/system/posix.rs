//! What the systems that are no kernel have in common where they imitate POSIX: how far a call gets, and why it is not
//! done.

use std::time::Duration;

use super::{Call, Errno, MessageFlags, Output, PollEvents, Ret, Returned, Success, Unsupported};

/// What became of a call.
pub(super) enum Attempt {
    /// It is done.
    Returned(Ret),
    /// It blocks.
    Blocked,
}

impl Attempt {
    /// The end of a call that was made at this time, if it is done.
    pub(super) fn returned(self, at: Duration) -> Option<Returned> {
        match self {
            Self::Returned(ret) => Some(Returned { at, ret }),
            Self::Blocked => None,
        }
    }
}

/// A call that is done, or why it is not.
pub(super) type Done = Result<Success, Refusal>;

/// Why a call is not done.
pub(super) enum Refusal {
    Errno(Errno),
    /// It would have to wait.
    Wait,
    Unsupported(Unsupported),
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// What the system has not.
pub(super) fn no(what: &'static str) -> Refusal {
    Refusal::Unsupported(Unsupported::Call { what })
}

/// A success that says nothing.
pub(super) fn nothing() -> Done {
    Ok(Success::value(0))
}

/// The end of what the peer sends.
pub(super) fn end() -> Success {
    Success { value: 0, output: Output::Data(Vec::new()) }
}

/// Refuses what a system cannot send or receive in this way, by its name: all but looking, and not waiting.
pub(super) fn refuse(flags: MessageFlags) -> Result<(), Refusal> {
    let asked = MessageFlags { peek: false, dont_wait: false, ..flags };
    asked.names().next().map_or(Ok(()), |name| Err(no(name)))
}

impl Call {
    /// What it returns when it cannot wait, or not any longer.
    pub(super) fn give_up(&self) -> Ret {
        match self {
            Call::Poll { fds, .. } => Ok(Success { value: 0, output: Output::Poll(vec![PollEvents::NONE; fds.len()]) }),
            Call::Connect { .. } => Err(Errno::EINPROGRESS),
            Call::Socket
            | Call::Bind { .. }
            | Call::Listen { .. }
            | Call::Accept { .. }
            | Call::Read { .. }
            | Call::Write { .. }
            | Call::Recv { .. }
            | Call::Send { .. }
            | Call::SendTo { .. }
            | Call::Shutdown { .. }
            | Call::Close { .. }
            | Call::Fcntl { .. }
            | Call::Ioctl { .. }
            | Call::GetSockOpt { .. }
            | Call::SetSockOpt { .. } => Err(Errno::EAGAIN),
        }
    }
}
