//! Two devices joined in memory: what one sends, the other receives, in order, at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Device, DeviceError, Sent, check_buffer, check_frame};
use crate::time::Instant;

/// One end of a pipe. The ends may live in two threads.
#[derive(Debug)]
pub struct Pipe {
    mtu: usize,
    /// The frames to this end, and those to the other.
    incoming: Arc<Mutex<Queue>>,
    outgoing: Arc<Mutex<Queue>>,
}

/// The frames on their way in one direction.
#[derive(Debug)]
struct Queue {
    frames: VecDeque<Vec<u8>>,
    capacity: usize,
    dropped: u64,
}

impl Pipe {
    /// The two ends of a pipe that carries `mtu` octets after the Ethernet header and holds at most `capacity` frames
    /// in each direction.
    #[must_use]
    pub fn pair(mtu: usize, capacity: usize) -> (Self, Self) {
        let queue = || Arc::new(Mutex::new(Queue { frames: VecDeque::new(), capacity, dropped: 0 }));
        let (there, back) = (queue(), queue());
        let near = Self { mtu, incoming: Arc::clone(&back), outgoing: Arc::clone(&there) };
        let far = Self { mtu, incoming: there, outgoing: back };
        (near, far)
    }

    /// How many frames sent from this end found no room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        lock(&self.outgoing).dropped
    }

    /// Whether the other end no longer exists.
    fn is_alone(&self) -> bool {
        Arc::strong_count(&self.outgoing) == 1
    }
}

impl Device for Pipe {
    /// Frames that were sent before the other end vanished are still received.
    fn recv(&mut self, _now: Instant, buf: &mut [u8]) -> Result<Option<usize>, DeviceError> {
        check_buffer(buf.len(), self.mtu)?;
        match lock(&self.incoming).frames.pop_front() {
            Some(frame) => {
                buf[..frame.len()].copy_from_slice(&frame);
                Ok(Some(frame.len()))
            }
            None if self.is_alone() => Err(DeviceError::Gone),
            None => Ok(None),
        }
    }

    fn send(&mut self, _now: Instant, frame: &[u8]) -> Result<Sent, DeviceError> {
        check_frame(frame.len(), self.mtu)?;
        if self.is_alone() {
            return Err(DeviceError::Gone);
        }
        let mut queue = lock(&self.outgoing);
        if queue.frames.len() >= queue.capacity {
            queue.dropped += 1;
            return Ok(Sent::NoRoom);
        }
        queue.frames.push_back(frame.to_vec());
        Ok(Sent::Taken)
    }

    fn mtu(&self) -> usize {
        self.mtu
    }
}

/// A queue is whole after every statement: a panic of the thread at the other end does not spoil it.
fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::ZERO;

    fn recv(pipe: &mut Pipe) -> Option<Vec<u8>> {
        let mut buf = [0; 64];
        let len = pipe.recv(NOW, &mut buf).unwrap()?;
        Some(buf[..len].to_vec())
    }

    #[test]
    fn carries_frames_in_order_both_ways() {
        let (mut near, mut far) = Pipe::pair(50, 4);
        near.send(NOW, b"one").unwrap();
        near.send(NOW, b"two").unwrap();
        far.send(NOW, b"three").unwrap();
        assert_eq!(recv(&mut far).unwrap(), b"one");
        assert_eq!(recv(&mut far).unwrap(), b"two");
        assert_eq!(recv(&mut far), None);
        assert_eq!(recv(&mut near).unwrap(), b"three");
        assert_eq!(recv(&mut near), None);
    }

    #[test]
    fn drops_and_counts_what_finds_no_room() {
        let (mut near, mut far) = Pipe::pair(50, 1);
        assert_eq!(near.send(NOW, b"one").unwrap(), Sent::Taken);
        assert_eq!(near.send(NOW, b"two").unwrap(), Sent::NoRoom);
        assert_eq!((near.dropped(), far.dropped()), (1, 0));
        assert_eq!(recv(&mut far).unwrap(), b"one");
        assert_eq!(near.send(NOW, b"three").unwrap(), Sent::Taken);
    }

    #[test]
    fn refuses_what_would_be_cut() {
        let (mut near, _far) = Pipe::pair(50, 1);
        let error = near.send(NOW, &[0; 65]).unwrap_err();
        assert_eq!(error.to_string(), "a frame of 65 octets is too long for a device that carries 64");
        let error = near.recv(NOW, &mut [0; 63]).unwrap_err();
        assert_eq!(error.to_string(), "a buffer of 63 octets is too small for frames of up to 64");
    }

    #[test]
    fn an_end_left_alone_receives_the_rest_and_is_then_gone() {
        let (mut near, mut far) = Pipe::pair(50, 4);
        far.send(NOW, b"last").unwrap();
        drop(far);
        assert_eq!(recv(&mut near).unwrap(), b"last");
        assert!(matches!(near.recv(NOW, &mut [0; 64]), Err(DeviceError::Gone)));
        assert!(matches!(near.send(NOW, b"x"), Err(DeviceError::Gone)));
    }
}
