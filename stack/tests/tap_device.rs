//! The TAP device against the real kernel, in a network namespace of its own.

mod common;

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use lockstep::device::poll::wait_readable;
use lockstep::device::tap::{TapConfig, TapError};
use lockstep::device::{Device, DeviceError, Recorded, Sent, Tap};
use lockstep::time::{Instant, Micros};

const NAME: &str = "lockstep0";
const OUR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const CONFIG: TapConfig = TapConfig { host_addr: HOST, prefix_len: 24, mtu: 1400 };
const NOW: Instant = Instant::ZERO;

#[test]
fn the_kernel_resolves_us_and_sends_to_us() {
    common::in_network_namespace("inside::the_kernel_resolves_us_and_sends_to_us");
}

#[test]
fn what_cannot_be_used_says_why() {
    common::in_network_namespace("inside::what_cannot_be_used_says_why");
}

/// What runs in the namespace.
mod inside {
    use super::*;

    /// The kernel sends a datagram to us: it asks for our hardware address, believes the answer, and the datagram arrives.
    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn the_kernel_resolves_us_and_sends_to_us() {
        let Some(mut tap) = open() else { return };
        tap.configure(CONFIG).unwrap();
        // The second time there is nothing left to do.
        tap.configure(CONFIG).unwrap();
        assert_eq!((tap.name(), tap.mtu()), (NAME, 1400));
        let mut tap = Recorded::new(tap, Vec::new(), Duration::ZERO).unwrap();

        let socket = UdpSocket::bind((HOST, 4000)).expect("the kernel has the address we gave it");
        socket.send_to(b"hello, user space", (US, 4001)).unwrap();

        let request = next(&mut tap, |frame| frame[12..14] == [0x08, 0x06] && frame[38..42] == US.octets());
        assert_eq!(request[28..32], HOST.octets());
        assert_eq!(tap.send(NOW, &arp_reply(&request)).unwrap(), Sent::Taken);

        let datagram = next(&mut tap, |frame| frame[12..14] == [0x08, 0x00] && frame[23] == 17);
        assert_eq!(datagram[..6], OUR_MAC);
        assert!(datagram.ends_with(b"hello, user space"));

        let (_, capture) = tap.finish().unwrap();
        let recorded = |bytes: &[u8]| capture.windows(bytes.len()).any(|window| window == bytes);
        assert!(recorded(&request) && recorded(&arp_reply(&request)) && recorded(&datagram));
    }

    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn what_cannot_be_used_says_why() {
        let Some(mut tap) = open() else { return };
        assert_eq!(tap.recv(NOW, &mut [0; 1514]).unwrap(), None);
        assert!(matches!(tap.recv(NOW, &mut [0; 1513]), Err(DeviceError::BufferTooSmall { len: 1513, max: 1514 })));
        assert!(matches!(tap.send(NOW, &[0; 60]), Err(DeviceError::Down)));
        assert!(matches!(tap.send(NOW, &[0; 1515]), Err(DeviceError::FrameTooLong { len: 1515, max: 1514 })));
        assert!(matches!(Tap::open(NAME), Err(TapError::Busy { .. })));
        assert!(matches!(Tap::open("lo"), Err(TapError::NotATap { .. })));
        assert!(matches!(tap.configure(TapConfig { prefix_len: 33, ..CONFIG }), Err(TapError::BadPrefix(33))));
        let refused = tap.configure(TapConfig { host_addr: Ipv4Addr::new(224, 0, 0, 1), ..CONFIG });
        assert!(matches!(refused, Err(TapError::Configure { step: "address", .. })), "{refused:?}");
    }

    fn open() -> Option<Tap> {
        match Tap::open(NAME) {
            Ok(tap) => Some(tap),
            Err(error @ (TapError::NoDriver | TapError::MayNotOpen | TapError::MayNotAttach { .. })) => {
                common::skip("tap", &error.to_string());
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// The next frame that is wanted; the kernel says other things too (IPv6 solicits routers).
    fn next(tap: &mut impl Device, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut buf = vec![0; 1514];
        for _ in 0..100 {
            while let Some(len) = tap.recv(NOW, &mut buf).unwrap() {
                if len >= 42 && wanted(&buf[..len]) {
                    return buf[..len].to_vec();
                }
            }
            wait_readable([tap.fd().expect("a TAP has a descriptor")], Some(Micros::from_secs(1))).unwrap();
        }
        panic!("the kernel did not send the frame we waited for");
    }

    /// "192.0.2.2 is at 02:00:00:00:00:02".
    fn arp_reply(request: &[u8]) -> Vec<u8> {
        let [host_mac, host_addr] = [&request[22..28], &request[28..32]];
        let ethernet = [host_mac, &OUR_MAC, &[0x08, 0x06]].concat();
        let arp = [&[0, 1, 8, 0, 6, 4, 0, 2][..], &OUR_MAC, &US.octets(), host_mac, host_addr].concat();
        [ethernet, arp].concat()
    }
}
