//! What has been tried before: a turn depends on its end and the stimulus alone, not on the other end or the network.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use lockstep::stack::Transition;
use lockstep_model::RuleId;

use crate::end::{Complaint, End, Stimulus, Turn};
use crate::wire::Said;
use crate::world::World;

/// What came of a turn.
#[derive(Debug)]
pub struct Turned {
    pub end: Arc<End>,
    pub said: Vec<(Arc<[u8]>, Said)>,
    pub changes: Vec<Transition>,
    pub fired: Vec<RuleId>,
    pub verdict: Result<(), Complaint>,
}

/// All turns of one world so far, and one of all ends that are equal.
#[derive(Debug, Default)]
pub struct Memo {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    turns: HashMap<(Arc<End>, Stimulus), Arc<Turned>>,
    ends: HashSet<Arc<End>>,
}

impl Memo {
    /// What comes of this stimulus at this end.
    pub fn turn(&self, world: &World, side: usize, before: &Arc<End>, stimulus: &Stimulus) -> Arc<Turned> {
        let mut known = self.known.lock().unwrap();
        let what = (before.clone(), stimulus.clone());
        if let Some(turned) = known.turns.get(&what) {
            return turned.clone();
        }
        let mut turn = Turn::new(world, side, before);
        let verdict = turn.run(stimulus);
        let Turn { end, said, changes, outcome, .. } = turn;
        let end = known.one_of(Arc::new(end));
        let turned = Arc::new(Turned { end, said, changes, fired: outcome.fired, verdict });
        known.turns.insert(what, turned.clone());
        turned
    }
}

impl Known {
    fn one_of(&mut self, end: Arc<End>) -> Arc<End> {
        if let Some(known) = self.ends.get(&end) {
            return known.clone();
        }
        self.ends.insert(end.clone());
        end
    }
}
