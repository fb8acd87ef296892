//! The flags of `send` and `recv`.

/// Declares [`MessageFlags`] once: each flag, and its name in C.
macro_rules! message_flags {
    ($($(#[$doc:meta])* $flag:ident = $name:ident,)*) => {
        /// `MSG_*` flags of `send` and `recv`.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct MessageFlags { $($(#[$doc])* pub $flag: bool,)* }

        impl MessageFlags {
            /// No flags at all.
            pub const NONE: MessageFlags = MessageFlags { $($flag: false,)* };

            /// Adds the flag of this name in C. Says whether there is one.
            pub fn add(&mut self, name: &str) -> bool {
                match name {
                    $(stringify!($name) => self.$flag = true,)*
                    _ => return false,
                }
                true
            }

            /// The flags that the kernel has under these numbers, if all of them are ours.
            #[must_use]
            pub fn numbered(bits: i32) -> Option<Self> {
                let flags = MessageFlags { $($flag: bits & libc::$name != 0,)* };
                (flags.number() == bits).then_some(flags)
            }

            /// The flags that are set, each with its name in C and its number on Linux.
            fn set(self) -> impl Iterator<Item = (&'static str, i32)> {
                let all = [$((self.$flag, stringify!($name), libc::$name),)*];
                all.into_iter().filter(|(is_set, ..)| *is_set).map(|(_, name, number)| (name, number))
            }
        }
    };
}

message_flags! {
    /// `MSG_PEEK`: leave the bytes in the receive buffer.
    peek = MSG_PEEK,
    /// `MSG_DONTWAIT`: this one call does not block.
    dont_wait = MSG_DONTWAIT,
    /// `MSG_OOB`: urgent data.
    out_of_band = MSG_OOB,
    /// `MSG_MORE`: more data follows, do not push yet.
    more = MSG_MORE,
    /// `MSG_EOR`: the end of a record, which is not merged with what follows.
    end_of_record = MSG_EOR,
    /// `MSG_WAITALL`: a read that blocks ends when all that was asked for is there.
    wait_all = MSG_WAITALL,
    /// `MSG_TRUNC`: what is received is thrown away, and only counted.
    truncate = MSG_TRUNC,
    /// `MSG_FASTOPEN`: open the connection and send with the SYN (RFC 7413).
    fast_open = MSG_FASTOPEN,
    /// `MSG_ZEROCOPY`: send from the caller's memory, and tell when it may be used again.
    zero_copy = MSG_ZEROCOPY,
    /// `MSG_ERRQUEUE`: receive what the socket has to tell, not what the peer sent.
    error_queue = MSG_ERRQUEUE,
}

impl MessageFlags {
    /// The names in C of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.set().map(|(name, _)| name)
    }

    /// As the kernel takes them.
    #[must_use]
    pub fn number(self) -> i32 {
        self.set().fold(0, |bits, (_, number)| bits | number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_known_by_name_and_by_number() {
        let mut flags = MessageFlags::NONE;
        assert!(flags.add("MSG_OOB") && flags.add("MSG_DONTWAIT"));
        assert!(!flags.add("MSG_HOLY"));
        assert_eq!(flags, MessageFlags { out_of_band: true, dont_wait: true, ..MessageFlags::NONE });
        assert_eq!(flags.names().collect::<Vec<_>>(), ["MSG_DONTWAIT", "MSG_OOB"]);
        assert_eq!(flags.number(), libc::MSG_OOB | libc::MSG_DONTWAIT);
        assert_eq!(MessageFlags::numbered(libc::MSG_OOB | libc::MSG_DONTWAIT), Some(flags));
        assert_eq!(MessageFlags::numbered(libc::MSG_OOB | libc::MSG_NOSIGNAL), None);
        assert_eq!(MessageFlags::NONE.number(), 0);
    }
}
