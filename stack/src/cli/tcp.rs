//! What commands are told about TCP, and what it means for its configuration.

use clap::{Args, ValueEnum};

use lockstep::stack::{KeepAlive, PathMtuConfig, TcpConfig};
use lockstep::tcp::congestion::Algorithm;
use lockstep::time::Micros;

/// How TCP behaves where its user has a choice.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "TCP")]
pub struct TcpOptions {
    /// How congestion is avoided
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    congestion: Congestion,
    /// Ask for explicit congestion notification (RFC 3168)
    #[arg(long)]
    ecn: bool,
    /// Probe connections that have been idle so long
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    keep_alive: Option<u32>,
    /// Give up what has not been acknowledged for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    user_timeout: u32,
    /// The most octets that wait for us to read them; the window that is offered
    #[arg(long, value_name = "OCTETS", default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(1..))]
    receive_buffer: u32,
    /// The most octets that wait to be acknowledged
    #[arg(long, value_name = "OCTETS", default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(1..))]
    send_buffer: u32,
    /// Do without selective acknowledgments (RFC 2018)
    #[arg(long)]
    no_sack: bool,
    /// Do without timestamps (RFC 7323)
    #[arg(long)]
    no_timestamps: bool,
    /// Do without windows of more than 65,535 octets (RFC 7323)
    #[arg(long)]
    no_window_scaling: bool,
    /// Take it for granted that every path carries what the link carries
    #[arg(long)]
    no_path_mtu: bool,
    /// Send small segments at once (Nagle's algorithm off)
    #[arg(long)]
    no_delay: bool,
}

/// The algorithms by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Congestion {
    /// Window by the cube of time (RFC 9438)
    #[default]
    Cubic,
    /// One segment more each round trip (RFC 5681, RFC 6582)
    Newreno,
}

impl TcpOptions {
    /// Changes what was asked to be different.
    pub fn apply(&self, config: &mut TcpConfig) {
        config.congestion.algorithm = match self.congestion {
            Congestion::Cubic => Algorithm::Cubic,
            Congestion::Newreno => Algorithm::NewReno,
        };
        config.ecn = self.ecn;
        let idle = self.keep_alive.map(|idle| Micros::from_secs(idle.into()));
        config.keep_alive = idle.map(|idle| KeepAlive { idle, ..KeepAlive::default() });
        config.user_timeout = Micros::from_secs(self.user_timeout.into());
        config.receive_buffer = usize::try_from(self.receive_buffer).unwrap_or(usize::MAX);
        config.send_buffer = usize::try_from(self.send_buffer).unwrap_or(usize::MAX);
        config.options.sack = !self.no_sack;
        config.options.timestamps = !self.no_timestamps;
        config.options.window_scaling = !self.no_window_scaling;
        config.nagle = !self.no_delay;
        if self.no_path_mtu {
            config.path_mtu = PathMtuConfig::OFF;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        tcp: TcpOptions,
    }

    fn config(line: &str) -> TcpConfig {
        let mut config = TcpConfig::default();
        Line::parse_from(line.split(' ')).tcp.apply(&mut config);
        config
    }

    #[test]
    fn whoever_says_nothing_gets_the_defaults() {
        assert_eq!(config("lockstep"), TcpConfig::default());
    }

    #[test]
    fn what_is_asked_for_is_configured() {
        let all = config("lockstep --congestion newreno --ecn --keep-alive 60 --no-sack --no-timestamps --no-delay");
        assert_eq!((all.congestion.algorithm, all.ecn), (Algorithm::NewReno, true));
        assert_eq!(all.keep_alive.unwrap(), KeepAlive { idle: Micros::from_secs(60), ..KeepAlive::default() });
        assert!(!all.options.sack && !all.options.timestamps && all.options.window_scaling && !all.nagle);
        let rest = config("lockstep --no-window-scaling --no-path-mtu --receive-buffer 1000 --send-buffer 2000");
        assert!(!rest.options.window_scaling && rest.path_mtu == PathMtuConfig::OFF);
        assert_eq!((rest.receive_buffer, rest.send_buffer), (1000, 2000));
    }
}
