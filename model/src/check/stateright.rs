//! The same worlds under Stateright: a second, independent search, and its Explorer in the browser.
//!
//! `actions` is exact and `next_state` never refuses, for Stateright replays paths by the indices of actions and its
//! counts then mean steps. No limit of depth, count or time is ever set: a search cut short would pass.

use super::ladder;
use super::properties::Property;
use super::show;
use super::world::{Action, State, World};
use crate::state::State as Connection;
use ::stateright::{Model, Path, Property as Claim};

/// The claims that a property makes of each state, as the plain functions that Stateright asks for.
macro_rules! claims {
    ($($property:ident)+) => {
        fn safety(property: Property) -> Option<Claim<World>> {
            match property {
                $(Property::$property => {
                    Some(Claim::always(property.id(), |_, state: &State| !state.violations.of(Property::$property)))
                })+
                Property::L1
                | Property::L2
                | Property::L3
                | Property::L4
                | Property::L5
                | Property::L6
                | Property::L8
                | Property::L9 => None,
            }
        }
    };
}
claims!(S1 S2 S3 S4 S5 S6 S7 S8 S9 S10 S11 S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 L7);

/// A state of the connection that some state of the world visits.
macro_rules! visits {
    ($($connection:ident)+) => {
        fn visit(connection: Connection) -> Claim<World> {
            match connection {
                $(Connection::$connection => Claim::sometimes(connection.name(), |_, state: &State| {
                    state.ends.iter().any(|end| end.tcb.state() == Connection::$connection)
                }),)+
            }
        }
    };
}
visits!(Closed Listen SynSent SynReceived Established FinWait1 FinWait2 CloseWait Closing LastAck TimeWait);

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.initial()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        World::actions(self, state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.apply(state, action, &mut ()))
    }

    fn properties(&self) -> Vec<Claim<Self>> {
        // A search ends when nothing is left to find. This is never found, so every search is exhaustive.
        let exhaustive = Claim::always("the search is exhaustive", |_, _| true);
        let safety = self.properties.iter().filter_map(|&property| safety(property));
        let visits = self.visits.iter().map(|&connection| visit(connection));
        [exhaustive].into_iter().chain(safety).chain(visits).collect()
    }

    fn format_action(&self, action: &Action) -> String {
        ladder::describe(self, *action)
    }

    fn format_step(&self, state: &State, action: Action) -> Option<String> {
        Some(show::step(self, state, action))
    }

    fn as_svg(&self, path: Path<State, Action>) -> Option<String> {
        let actions: Vec<Action> = path.into_actions();
        Some(ladder::of_actions(self, &self.initial(), &actions).to_svg())
    }
}
