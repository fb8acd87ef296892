use super::rule::rule;
use super::{Act::*, Atom::*, Flow::Done, Form, Kind::*, Next::*, Room, Rule};
use crate::event::{Reply, Timer};
use crate::state::State::SynSent;
pub(super) const RULES: &[Rule] = &[rule! { "open/closed/active": Open in Closed;
when [Active(true), Remote(true)];
then [SetPassive(false), SelectIss(Room::Anywhere), Emit(Form::Syn), Start(Timer::Retransmit), Reply(Reply::Ok)]; To(SynSent), Done;
ALL Literal; Rfc9293 "3.10.1" "A SYN segment of the form <SEQ=ISS><CTL=SYN> is sent." }];
