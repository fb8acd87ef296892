//! A recording of every frame that passes, as a pcap file for `tcpdump`, `tshark` and our own audit.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};

use super::{Device, DeviceError, Sent};
use crate::time::Instant;

/// More than any frame: a super-frame of 64 KiB with its headers fits. It is what `tcpdump` uses.
const SNAPLEN: u32 = 262_144;

/// A device whose frames, in both directions, are written to a pcap file in the order in which they pass.
///
/// A frame that the device had no room for is not recorded: it did not pass. The writer is flushed when this is
/// dropped; call [`finish`](Self::finish) to hear of errors then.
#[derive(Debug)]
pub struct Recorded<D, W: Write = BufWriter<File>> {
    device: D,
    writer: PcapWriter<W>,
    epoch: Duration,
}

impl<D: Device> Recorded<D> {
    /// Records what passes `device` into a new file at `path`. `epoch` is the Unix time of [`Instant::ZERO`].
    ///
    /// # Errors
    /// [`DeviceError::Capture`] if the file cannot be created.
    pub fn create(device: D, path: &Path, epoch: Duration) -> Result<Self, DeviceError> {
        let file = File::create(path).map_err(DeviceError::Capture)?;
        Self::new(device, BufWriter::new(file), epoch)
    }
}

impl<D: Device, W: Write> Recorded<D, W> {
    /// Records what passes `device` to `writer`. `epoch` is the Unix time of [`Instant::ZERO`]; zero keeps a simulation
    /// reproducible to the byte.
    ///
    /// # Errors
    /// [`DeviceError::Capture`] if the file header cannot be written.
    pub fn new(device: D, writer: W, epoch: Duration) -> Result<Self, DeviceError> {
        let header = PcapHeader {
            snaplen: SNAPLEN,
            datalink: DataLink::ETHERNET,
            ts_resolution: TsResolution::MicroSecond,
            // Fixed, not native: the same run gives the same file everywhere.
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        let writer = PcapWriter::with_header(writer, header).map_err(capture_error)?;
        Ok(Self { device, writer, epoch })
    }

    /// Ends the recording and gives the device back.
    ///
    /// # Errors
    /// [`DeviceError::Capture`] if the last frames cannot be written.
    pub fn finish(self) -> Result<(D, W), DeviceError> {
        let mut writer = self.writer.into_writer();
        writer.flush().map_err(DeviceError::Capture)?;
        Ok((self.device, writer))
    }

    /// The recorded device.
    pub fn device(&self) -> &D {
        &self.device
    }

    fn record(&mut self, now: Instant, frame: &[u8]) -> Result<(), DeviceError> {
        let elapsed = Duration::from_micros(now.as_micros());
        let timestamp = self.epoch.saturating_add(elapsed);
        let packet = PcapPacket::new(timestamp, u32::try_from(frame.len()).unwrap_or(u32::MAX), frame);
        self.writer.write_packet(&packet).map_err(capture_error)?;
        Ok(())
    }
}

impl<D: Device, W: Write> Device for Recorded<D, W> {
    fn recv(&mut self, now: Instant, buf: &mut [u8]) -> Result<Option<usize>, DeviceError> {
        let received = self.device.recv(now, buf)?;
        if let Some(len) = received {
            self.record(now, &buf[..len])?;
        }
        Ok(received)
    }

    fn send(&mut self, now: Instant, frame: &[u8]) -> Result<Sent, DeviceError> {
        let sent = self.device.send(now, frame)?;
        match sent {
            Sent::Taken => self.record(now, frame)?,
            Sent::NoRoom => {}
        }
        Ok(sent)
    }

    fn mtu(&self) -> usize {
        self.device.mtu()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.device.fd()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.device.poll_timeout()
    }
}

fn capture_error(error: PcapError) -> DeviceError {
    match error {
        PcapError::IoError(error) => DeviceError::Capture(error),
        other @ (PcapError::IncompleteBuffer
        | PcapError::InvalidField(_)
        | PcapError::Utf8Error(_)
        | PcapError::FromUtf8Error(_)
        | PcapError::InvalidInterfaceId(_)) => DeviceError::Capture(io::Error::other(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Pipe;
    use crate::time::Micros;
    use pcap_file::pcap::PcapReader;
    use std::process::Command;

    /// An ARP request, so that tcpdump has something to say.
    const ARP: &[u8] = b"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x08\x06\0\x01\x08\0\x06\x04\0\x01\
        \x02\0\0\0\0\x01\xc0\0\x02\x01\0\0\0\0\0\0\xc0\0\x02\x02";

    /// Two frames out, one in between, one that found no room.
    fn recording() -> Vec<u8> {
        let (near, mut far) = Pipe::pair(100, 2);
        let mut near = Recorded::new(near, Vec::new(), Duration::from_secs(1_000)).unwrap();
        let mut now = Instant::ZERO + Micros::new(1);
        assert_eq!(near.send(now, ARP).unwrap(), Sent::Taken);
        far.send(now, b"an answer of some bytes").unwrap();
        now += Micros::from_secs(2);
        assert_eq!(near.recv(now, &mut [0; 114]).unwrap(), Some(23));
        assert_eq!(near.recv(now, &mut [0; 114]).unwrap(), None);
        now += Micros::from_millis(500);
        assert_eq!(near.send(now, ARP).unwrap(), Sent::Taken);
        assert_eq!(near.send(now, ARP).unwrap(), Sent::NoRoom);
        near.finish().unwrap().1
    }

    #[test]
    fn what_passed_can_be_read_back() {
        let file = recording();
        let mut reader = PcapReader::new(&file[..]).unwrap();
        assert_eq!(reader.header().datalink, DataLink::ETHERNET);
        assert_eq!(reader.header().ts_resolution, TsResolution::MicroSecond);
        let mut packets = Vec::new();
        for _ in 0..9 {
            let Some(packet) = reader.next_packet() else { break };
            let packet = packet.unwrap();
            packets.push((packet.timestamp.as_micros(), packet.data.into_owned()));
        }
        assert_eq!(
            packets,
            [
                (1_000_000_001, ARP.to_vec()),
                (1_002_000_001, b"an answer of some bytes".to_vec()),
                (1_002_500_001, ARP.to_vec()),
            ]
        );
    }

    #[test]
    fn tcpdump_reads_it_too() {
        let path = std::env::temp_dir().join(format!("lockstep-pcap-{}", std::process::id()));
        std::fs::write(&path, recording()).unwrap();
        let output = Command::new("tcpdump").args(["-ttnr"]).arg(&path).output();
        std::fs::remove_file(&path).unwrap();
        match output {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                let line = "1000.000001 ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 28";
                assert!(text.contains(line), "{text}");
                assert_eq!(text.matches("ARP").count(), 2, "{text}");
            }
            Err(error) => eprintln!("skipped: tcpdump cannot be run: {error}"),
        }
    }

    #[test]
    fn a_file_that_cannot_be_created_is_said_so() {
        let (near, _far) = Pipe::pair(100, 2);
        let error = Recorded::create(near, Path::new("/nonexistent/x.pcap"), Duration::ZERO).unwrap_err();
        insta::assert_snapshot!(error, @"cannot write the capture file: No such file or directory (os error 2)");
    }
}
