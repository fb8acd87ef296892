//! A state of a world in the terms of the RFC: two TCBs, and what is on its way between them.
//!
//! Numbers are counted from the ISS that they belong to, as `ISS+1`; behind `ISS=` stands the number itself.

use super::bounds::timer_name;
use super::endpoint::{Endpoint, N, Owner, Side};
use super::ladder;
use super::packet::Packet;
use super::world::{Action, State, World};
use crate::engine::Tcb;
use crate::event::Timer;
use crate::seq::SeqNum;
use crate::state::State as Connection;
use std::fmt::{self, Write};

/// An action with the rules that fire, and the state that it leads to.
#[must_use]
pub fn step(world: &World, state: &State, action: Action) -> String {
    let rungs = ladder::of_actions(world, state, &[action]).rungs;
    let rules: String = rungs.iter().flat_map(|rung| &rung.notes).map(|note| format!("{note}\n")).collect();
    let mut text = format!("{}\n{rules}\n", ladder::describe(world, action));
    let next = world.apply(state, action, &mut ());
    write_state(&mut text, &next, &|packet| ladder::segment(world, packet)).expect("a String can be written to");
    text
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_state(f, self, &|packet| format!("{packet:?}"))
    }
}

fn write_state(f: &mut impl Write, state: &State, pen: &dyn Fn(Packet) -> String) -> fmt::Result {
    let State { ends, network, duplications, forgeries, violations } = state;
    for (side, Endpoint { tcb, owner }) in Side::BOTH.into_iter().zip(ends) {
        writeln!(f, "{side:?} {:<13}{}", tcb.state().name(), numbers(tcb))?;
        for remark in [marks(tcb), timers(tcb), buffers(owner), circumstances(owner)] {
            if !remark.is_empty() {
                writeln!(f, "    {}", remark.join(", "))?;
            }
        }
    }
    writeln!(f, "{}", if network.is_empty() { "Nothing is on its way." } else { "On their way:" })?;
    for packet in network.packets() {
        let ghost = packet.ghost();
        let aged = Side::BOTH.into_iter().filter(|side| ghost.aged[side.index()]);
        let aged: String = aged.map(|side| format!(" (older than {side:?}'s 2MSL)")).collect();
        writeln!(f, "    {:?} to {:?}  {}{aged}", ghost.from, ghost.from.other(), pen(packet))?;
    }
    if *duplications > 0 {
        writeln!(f, "Segments that may still arrive twice: {duplications}")?;
    }
    if *forgeries > 0 {
        writeln!(f, "Segments that may still be forged: {forgeries}")?;
    }
    if violations.any() {
        writeln!(f, "Broken by the last step: {violations:?}")?;
    }
    Ok(())
}

/// The variables that mean something in the state.
fn numbers(tcb: &Tcb<N>) -> String {
    let from = |origin: N, name: &str, number: N| match number.since(origin) {
        0 => name.to_owned(),
        ahead => format!("{name}{ahead:+}"),
    };
    let (iss, irs) = (tcb.iss(), tcb.irs());
    let add = |text: &mut String, name: &str, value: String| *text += &format!(" {name}={value}");
    let mut text = String::new();
    if matches!(tcb.state(), Connection::Closed | Connection::Listen) {
        return text;
    }
    add(&mut text, "ISS", iss.to_string());
    add(&mut text, "SND.UNA", from(iss, "ISS", tcb.snd_una()));
    add(&mut text, "SND.NXT", from(iss, "ISS", tcb.snd_nxt()));
    if tcb.window_known() {
        add(&mut text, "SND.WND", tcb.snd_wnd().to_string());
    }
    if tcb.state() != Connection::SynSent {
        add(&mut text, "IRS", irs.to_string());
        add(&mut text, "RCV.NXT", from(irs, "IRS", tcb.rcv_nxt()));
    }
    if let Some(up) = tcb.rcv_up() {
        add(&mut text, "RCV.UP", from(irs, "IRS", up));
    }
    if tcb.window_known() {
        text.push_str("\n   ");
        add(&mut text, "SND.WL1", from(irs, "IRS", tcb.snd_wl1()));
        add(&mut text, "SND.WL2", from(iss, "ISS", tcb.snd_wl2()));
        add(&mut text, "MAX.SND.WND", tcb.max_snd_wnd().to_string());
    }
    text
}

/// What else the connection remembers.
fn marks(tcb: &Tcb<N>) -> Vec<String> {
    if tcb.state() == Connection::Closed {
        return Vec::new();
    }
    let marks = [
        (true, if tcb.is_passive() { "passive" } else { "active" }),
        (tcb.syn_acked(), "our SYN acknowledged"),
        (tcb.close_queued(), "CLOSE called"),
        (tcb.fin_sent(), "our FIN sent"),
        (tcb.fin_acked(), "our FIN acknowledged"),
        (tcb.user_gone(), "user gone"),
        (tcb.reopened(), "reopened, the old numbers kept"),
    ];
    marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark.to_owned()).collect()
}

fn timers(tcb: &Tcb<N>) -> Vec<String> {
    let armed = Timer::ALL.into_iter().filter(|&timer| tcb.armed(timer));
    armed.map(|timer| format!("{} timer runs", timer_name(timer))).collect()
}

fn buffers(owner: &Owner) -> Vec<String> {
    let &Owner { queued, sent, acked, received, unread, held, held_fin, .. } = owner;
    let mut buffers = Vec::new();
    if queued > 0 {
        buffers.push(format!("octets from the user: {queued}, sent {sent}, acknowledged {acked}"));
    }
    if received > 0 {
        buffers.push(format!("octets for the user: {received}, unread {unread}"));
    }
    if held > 0 {
        buffers.push(format!("held out of order, as bits from RCV.NXT on: {held:b}"));
    }
    if held_fin > 0 {
        buffers.push(format!("a FIN held at RCV.NXT+{}", held_fin - 1));
    }
    if owner.end_of_file {
        buffers.push("end of file".to_owned());
    }
    buffers
}

/// What the host and the checker know beside the connection.
fn circumstances(owner: &Owner) -> Vec<String> {
    let &Owner { incarnation, peer, shrunk, .. } = owner;
    let clock = owner.clock();
    let mut all = vec![format!("incarnation {incarnation}")];
    if clock != incarnation {
        all.push(format!("{clock} since the clock began"));
    }
    if peer > 0 {
        all.push(format!("paired with {peer} of the peer"));
    }
    if shrunk > 0 {
        all.push(format!("buffer smaller by {shrunk}"));
    }
    let marks = [
        (!owner.token, "challenge ACKs throttled"),
        (owner.ack_owed, "an ACK is owed"),
        (owner.quiet, "quiet after a crash"),
    ];
    all.extend(marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark.to_owned()));
    let left: Vec<u32> = (0..8).map(|place| owner.left(place)).collect();
    if let Some(last) = left.iter().rposition(|&left| left > 0) {
        all.push(format!("limited moves left {:?}", &left[..=last]));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::environments::named;
    use crate::table::Table;

    #[test]
    fn a_state_reads_as_two_tcbs_and_a_network() {
        let world = named("data", Table::repaired()).expect("it exists");
        let wanted: [fn(&Action) -> bool; 5] = [
            |action| matches!(action, Action::Move(Side::A, 0)),
            |action| matches!(action, Action::Move(Side::B, 0)),
            |action| matches!(action, Action::Move(Side::A, 1)),
            |action| matches!(action, Action::Deliver(_)),
            |action| matches!(action, Action::Deliver(_)),
        ];
        let (mut state, mut shown) = (world.initial(), String::new());
        for wanted in wanted {
            let mut actions = Vec::new();
            world.actions(&state, &mut actions);
            let action = actions.into_iter().find(wanted).expect("it can happen");
            shown = step(&world, &state, action);
            state = world.apply(&state, action, &mut ());
        }
        insta::assert_snapshot!(shown, @r"
        <SEQ=0><ACK=1><CTL=SYN,ACK> arrives at A
        syn-sent/syn/established
        sent/text

        A ESTABLISHED   ISS=62 SND.UNA=ISS+1 SND.NXT=ISS+2 SND.WND=4 IRS=29 RCV.NXT=IRS+1
            SND.WL1=IRS SND.WL2=ISS+1 MAX.SND.WND=4
            active, our SYN acknowledged
            retransmission timer runs
            octets from the user: 1, sent 1, acknowledged 0
            incarnation 1, paired with 1 of the peer, limited moves left [0, 1]
        B SYN-RECEIVED  ISS=29 SND.UNA=ISS SND.NXT=ISS+1 IRS=62 RCV.NXT=IRS+1
            passive
            retransmission timer runs
            incarnation 1, paired with 1 of the peer, limited moves left [0, 1]
        On their way:
            A to B  <SEQ=1><ACK=1><TEXT=1><CTL=ACK>
        Segments that may still arrive twice: 1
        ");
        let debug = format!("{state:#?}").replace("A1 <SEQ=63><ACK=30>", "<SEQ=1><ACK=1>");
        assert!(shown.ends_with(&debug), "the same but for the numbers on the wire: {debug}");
    }
}
