//! The calls of one scenario that block, in every system the same: kept, made again, and done when somebody takes what
//! they returned.

use std::collections::BTreeMap;

use super::{CallId, Fault, Progress, Returned};

/// The calls that block, each with what a system keeps of it, and those that have returned since, oldest first.
pub(super) struct Pending<B> {
    blocked: BTreeMap<CallId, B>,
    returned: BTreeMap<CallId, Returned>,
    next: u32,
}

impl<B> Default for Pending<B> {
    fn default() -> Self {
        Self { blocked: BTreeMap::new(), returned: BTreeMap::new(), next: 0 }
    }
}

impl<B> Pending<B> {
    /// Keeps a call that blocks.
    pub(super) fn keep(&mut self, call: B) -> Progress {
        let id = CallId(self.next);
        self.next += 1;
        self.blocked.insert(id, call);
        Progress::Pending(id)
    }

    /// The calls that block.
    pub(super) fn blocked(&self) -> impl Iterator<Item = &B> {
        self.blocked.values()
    }

    /// Makes the calls that block once more, until one of them returns. One whose result was not taken yet comes first.
    pub(super) fn retry(
        &mut self,
        mut again: impl FnMut(&mut B) -> Result<Option<Returned>, Fault>,
    ) -> Result<Option<CallId>, Fault> {
        if let Some(id) = self.returned.keys().next() {
            return Ok(Some(*id));
        }
        for (id, call) in &mut self.blocked {
            if let Some(returned) = again(call)? {
                let id = *id;
                self.blocked.remove(&id);
                self.returned.insert(id, returned);
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The result of a call, once.
    pub(super) fn take(&mut self, id: CallId) -> Option<Returned> {
        self.returned.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::system::Success;

    #[test]
    fn a_call_returns_once_and_the_oldest_first() {
        let mut pending = Pending::default();
        assert_eq!(pending.keep("accept"), Progress::Pending(CallId(0)));
        assert_eq!(pending.keep("read"), Progress::Pending(CallId(1)));
        let returned = Returned { at: Duration::ZERO, ret: Ok(Success::value(4)) };
        assert!(matches!(pending.retry(|_| Ok(None)), Ok(None)));
        assert!(matches!(pending.retry(|_| Ok(Some(returned.clone()))), Ok(Some(CallId(0)))));
        assert!(matches!(pending.retry(|_| panic!("it waits to be taken")), Ok(Some(CallId(0)))));
        assert_eq!(pending.take(CallId(0)), Some(returned));
        assert_eq!(pending.take(CallId(0)), None);
        assert_eq!(pending.blocked().copied().collect::<Vec<_>>(), ["read"]);
        assert_eq!(pending.keep("write"), Progress::Pending(CallId(2)));
    }
}
