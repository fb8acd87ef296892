//! TCP: everything about a connection that the table does not decide.
//!
//! The table says *what* happens; these modules say *how much* and *when*. None of them reads a clock, knows a frame,
//! or changes a state.

mod ack_policy;
mod api;
mod autotune;
mod calls;
mod chain;
mod challenge;
pub mod config;
pub mod congestion;
mod connection;
mod counts;
mod demux;
mod deque;
mod ecn;
mod endpoints;
mod host;
mod input;
pub mod isn;
mod listen;
mod options;
mod orphans;
mod output;
pub mod pacing;
mod pages;
mod pmtu;
mod ports;
mod reading;
pub mod reassembly;
pub mod recovery;
pub mod recv;
pub mod rtt;
mod sack_report;
pub mod send;
mod settings;
mod settle;
mod slab;
mod time_wait;
pub mod timers;
mod trace;
mod urgent;
mod view;

pub use ack_policy::AckConfig;
pub use api::{Accepted, CallError, ConnectionId, Event, Failure, ListenerId, OpenError, Status, Transition};
pub use config::{KeepAlive, TcpConfig};
pub use demux::Pair;
pub(crate) use endpoints::Endpoints;
pub(crate) use input::Conveyance;
pub use listen::{BacklogFull, ListenConfig, ListenOptions, SynCookies};
pub use options::OptionsConfig;
pub use pmtu::PathMtuConfig;
pub use ports::PortSelection;
pub use recovery::{InFlight, LossPhase};
pub use settings::Settings;
pub(crate) use view::EndpointsProjection;
pub use view::Projected;
