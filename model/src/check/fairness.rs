//! Fairness: whether a run can stay in a region for ever although every promise to it is kept.
//!
//! A *promise* is about steps of one kind. A weak one says that such a step is taken at last, if from some moment on it is
//! always on offer; a strong one, that it is taken again and again if it is on offer again and again. What has no promise
//! may never happen, and a run may stop where nothing is promised.
//!
//! The question is the emptiness of a Streett automaton. A run that stays in a finite region goes round in a strongly
//! connected part of it in the end, and through all of that part if it likes. A part that offers a strong promise
//! somewhere, and keeps it nowhere, is fair only without the places that offer it, so these are taken out and what is
//! left falls into smaller parts; one that offers a weak promise everywhere and keeps it nowhere is not fair, nor is
//! any part of it.

use super::graph::{Graph, index, number};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// How binding a promise is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strength {
    /// To steps that are always on offer.
    Weak,
    /// To steps that are on offer again and again.
    Strong,
}

/// What the edges of a graph mean for fairness.
pub trait Fairness {
    /// What an edge does.
    type Step: Copy;
    /// The kind of steps that a promise is about.
    type Promise: Copy + Eq + Hash;

    /// Appends what the edges out of a node do, in their order.
    fn steps(&self, node: u32, steps: &mut Vec<Self::Step>);

    /// The promise that this step out of this node is about, if any.
    fn promise(&self, node: u32, step: Self::Step) -> Option<(Self::Promise, Strength)>;

    /// Whether a run may take this step out of this node without end.
    fn recurs(&self, node: u32, step: Self::Step) -> bool;
}

/// A way round in the region that keeps every promise, as its nodes in order; where it is one node without an edge to
/// itself, a run may stop there. `None` if every fair run leaves the region.
pub fn fair_round<L: Copy, F: Fairness>(graph: &Graph<L>, region: &[bool], fairness: &F) -> Option<Vec<u32>> {
    let split = Split::of(graph, |from, &(to, _)| region[index(from)] && region[index(to)]);
    let mut promises = Promises::default();
    let mut steps = Vec::new();
    split.parts().filter(|part| region[index(part[0])]).find_map(|nodes| {
        let mut whole = true;
        let part = Part::gather(
            &split,
            nodes,
            |node| node,
            |node, edges| {
                fairness.steps(node, &mut steps);
                for (&(to, _), step) in graph.out(node).iter().zip(steps.drain(..)) {
                    let promise = fairness.promise(node, step).map(|promise| promises.number(promise));
                    let stays = split.together(node, to);
                    let inside = stays && fairness.recurs(node, step);
                    whole &= inside == stays;
                    edges.push((to, Edge { promise, inside }));
                }
            },
        );
        // Without the steps that do not recur it may hang together no more.
        let parts = if whole { vec![part] } else { part.divide(&vec![true; nodes.len()]) };
        fair_round_in(parts, &promises.strengths)
    })
}

/// A fair way round in one of these parts or in a part of one, in the numbers of the whole graph.
fn fair_round_in(mut parts: Vec<Part>, strengths: &[Strength]) -> Option<Vec<u32>> {
    while let Some(part) = parts.pop() {
        match part.judge(strengths) {
            Verdict::Fair => {
                let round = part.round(strengths);
                return Some(round.into_iter().map(|node| part.names[index(node)]).collect());
            }
            Verdict::Unfair => {}
            Verdict::Only(left) => parts.extend(part.divide(&left)),
        }
    }
    None
}

/// The promises met so far, numbered.
struct Promises<P> {
    numbers: HashMap<P, u32>,
    strengths: Vec<Strength>,
}

impl<P> Default for Promises<P> {
    fn default() -> Self {
        Promises { numbers: HashMap::new(), strengths: Vec::new() }
    }
}

impl<P: Eq + Hash> Promises<P> {
    fn number(&mut self, (promise, strength): (P, Strength)) -> u32 {
        *self.numbers.entry(promise).or_insert_with(|| {
            self.strengths.push(strength);
            number(self.strengths.len() - 1)
        })
    }
}

/// The nodes of a graph, sorted into strongly connected parts.
struct Split {
    component: Vec<u32>,
    /// The place of each node among the members of its part.
    place: Vec<u32>,
    /// The nodes, part by part, in order within each.
    members: Vec<u32>,
    /// Where the members of each part begin; one more at the end.
    first: Vec<usize>,
}

impl Split {
    fn of<L: Copy>(graph: &Graph<L>, joins: impl Fn(u32, &(u32, L)) -> bool) -> Split {
        let component = graph.components(joins);
        let parts = component.iter().max().map_or(0, |&last| index(last) + 1);
        let mut sizes = vec![0; parts];
        let mut place = vec![0; component.len()];
        for (place, &part) in place.iter_mut().zip(&component) {
            *place = sizes[index(part)];
            sizes[index(part)] += 1;
        }
        let mut first = vec![0; parts + 1];
        for part in 0..parts {
            first[part + 1] = first[part] + index(sizes[part]);
        }
        let mut members = vec![0; component.len()];
        for (node, (&place, &part)) in (0..).zip(place.iter().zip(&component)) {
            members[first[index(part)] + index(place)] = node;
        }
        Split { component, place, members, first }
    }

    /// The parts in the order of their first members.
    fn parts(&self) -> impl Iterator<Item = &[u32]> {
        let leaders = self.place.iter().zip(&self.component).filter(|&(&place, _)| place == 0);
        leaders.map(|(_, &part)| &self.members[self.first[index(part)]..self.first[index(part) + 1]])
    }

    fn together(&self, a: u32, b: u32) -> bool {
        self.component[index(a)] == self.component[index(b)]
    }
}

/// A part of a graph, numbered anew.
struct Part {
    /// What each node is called in the whole graph.
    names: Vec<u32>,
    graph: Graph<Edge>,
}

/// An edge of a part, or one that leads out of it: where to is then of no importance.
#[derive(Clone, Copy)]
struct Edge {
    promise: Option<u32>,
    inside: bool,
}

/// What becomes of a strongly connected part.
enum Verdict {
    /// To go through all of it is fair.
    Fair,
    /// No run that stays in it is.
    Unfair,
    /// One that stays in it is fair at most if it keeps to these nodes.
    Only(Vec<bool>),
}

/// How a part deals with a promise.
#[derive(Clone, Copy, Default)]
struct Dealing {
    /// How many nodes offer it, and the last of them.
    offers: u32,
    last: Option<u32>,
    /// Whether it is kept inside.
    kept: bool,
}

impl Part {
    /// Makes a part of these nodes of a larger graph.
    fn gather(
        split: &Split,
        nodes: &[u32],
        name: impl Fn(u32) -> u32,
        mut out: impl FnMut(u32, &mut Vec<(u32, Edge)>),
    ) -> Part {
        let mut graph = Graph::default();
        let mut edges = Vec::new();
        for &node in nodes {
            out(node, &mut edges);
            graph.push(edges.drain(..).map(|(to, edge)| (if edge.inside { split.place[index(to)] } else { 0 }, edge)));
        }
        Part { names: nodes.iter().map(|&node| name(node)).collect(), graph }
    }

    fn judge(&self, strengths: &[Strength]) -> Verdict {
        let nodes = number(self.graph.nodes());
        let mut dealings: HashMap<u32, Dealing> = HashMap::new();
        for node in 0..nodes {
            for &(_, edge) in self.graph.out(node) {
                let Some(promise) = edge.promise else { continue };
                let dealing = dealings.entry(promise).or_default();
                dealing.offers += u32::from(dealing.last != Some(node));
                dealing.last = Some(node);
                dealing.kept |= edge.inside;
            }
        }
        let of = |promise: u32| strengths[index(promise)];
        let mut broken = dealings.iter().filter(|(_, dealing)| !dealing.kept);
        if broken.clone().any(|(&promise, dealing)| of(promise) == Strength::Weak && dealing.offers == nodes) {
            return Verdict::Unfair;
        }
        if !broken.any(|(&promise, _)| of(promise) == Strength::Strong) {
            return Verdict::Fair;
        }
        let breaks = |promise: u32| of(promise) == Strength::Strong && !dealings[&promise].kept;
        let stays = |node| !self.graph.out(node).iter().any(|(_, edge)| edge.promise.is_some_and(breaks));
        Verdict::Only((0..nodes).map(stays).collect())
    }

    /// The strongly connected parts of what is left of it.
    fn divide(&self, left: &[bool]) -> Vec<Part> {
        let split = Split::of(&self.graph, |from, &(to, edge)| edge.inside && left[index(from)] && left[index(to)]);
        let parts = split.parts().filter(|nodes| left[index(nodes[0])]);
        let gather = |nodes| {
            let name = |node| self.names[index(node)];
            Part::gather(&split, nodes, name, |node, edges| {
                edges.extend(
                    self.graph
                        .out(node)
                        .iter()
                        .map(|&(to, edge)| (to, Edge { inside: edge.inside && split.together(node, to), ..edge })),
                );
            })
        };
        parts.map(gather).collect()
    }

    /// A way round in a fair part that keeps every promise: the shortest through its first node, and from there again to
    /// whatever it still owes.
    fn round(&self, strengths: &[Strength]) -> Vec<u32> {
        let inside = |_, (_, edge): &(u32, Edge)| edge.inside;
        let back_from = |node| self.graph.shortest_walk(node, inside, |_, &(to, edge)| edge.inside && to == 0);
        let mut round = back_from(0).unwrap_or_else(|| vec![0]);
        while let Some(promise) = self.owed(&round, strengths) {
            let pays = |&(to, edge): &(u32, Edge)| {
                let lapses = strengths[index(promise)] == Strength::Weak && !self.offers(to, promise);
                edge.inside && (edge.promise == Some(promise) || lapses)
            };
            let Some(walk) = self.graph.shortest_walk(0, inside, |_, edge| pays(edge)) else { break };
            let paid = self.graph.out(walk[walk.len() - 1]).iter().find(|edge| pays(edge)).map_or(0, |&(to, _)| to);
            round.extend(walk);
            if paid != 0 {
                round.extend(back_from(paid).unwrap_or_default());
            }
        }
        round
    }

    /// A promise that this way round does not keep.
    fn owed(&self, round: &[u32], strengths: &[Strength]) -> Option<u32> {
        let pairs = || round.iter().zip(round.iter().cycle().skip(1));
        let edges = |node: u32| self.graph.out(node).iter();
        let kept: HashSet<u32> = pairs()
            .flat_map(|(&from, &next)| edges(from).filter(move |&&(to, edge)| edge.inside && to == next))
            .filter_map(|(_, edge)| edge.promise)
            .collect();
        let offered = round.iter().flat_map(|&node| edges(node)).filter_map(|(_, edge)| edge.promise);
        offered.filter(|promise| !kept.contains(promise)).find(|&promise| match strengths[index(promise)] {
            Strength::Strong => true,
            Strength::Weak => round.iter().all(|&node| self.offers(node, promise)),
        })
    }

    fn offers(&self, node: u32, promise: u32) -> bool {
        self.graph.out(node).iter().any(|(_, edge)| edge.promise == Some(promise))
    }
}

#[cfg(test)]
mod tests {
    use super::Strength::{Strong, Weak};
    use super::*;
    use quickcheck::quickcheck;

    /// What an edge promises, and whether it recurs.
    type Label = (Option<(char, Strength)>, bool);

    struct Small(Graph<Label>);

    impl Fairness for Small {
        type Step = Label;
        type Promise = char;
        fn steps(&self, node: u32, steps: &mut Vec<Label>) {
            steps.extend(self.0.out(node).iter().map(|&(_, label)| label));
        }
        fn promise(&self, _: u32, (promise, _): Label) -> Option<(char, Strength)> {
            promise
        }
        fn recurs(&self, _: u32, (_, recurs): Label) -> bool {
            recurs
        }
    }

    const FREE: Label = (None, true);
    const WEAK: Label = (Some(('w', Weak)), true);
    const STRONG: Label = (Some(('s', Strong)), true);

    /// A fair way round in these nodes; each line of `edges` belongs to one node.
    fn round(edges: &[&[(u32, Label)]], region: &[bool]) -> Option<Vec<u32>> {
        let mut graph = Graph::default();
        for out in edges {
            graph.push(out.iter().copied());
        }
        let small = Small(graph);
        fair_round(&small.0, region, &small)
    }

    #[test]
    fn a_promise_that_leads_out_is_kept_in_the_end() {
        let out = |label| round(&[&[(0, FREE), (1, label)], &[]], &[true, false]);
        assert_eq!(out(FREE), Some(vec![0]), "nobody has promised to leave");
        assert_eq!(out(WEAK), None);
        assert_eq!(out(STRONG), None);
    }

    #[test]
    fn a_weak_promise_lapses_where_it_is_not_on_offer_and_a_strong_one_does_not() {
        let now_and_then = |label| round(&[&[(1, FREE)], &[(0, FREE), (2, label)], &[]], &[true, true, false]);
        assert_eq!(now_and_then(WEAK), Some(vec![0, 1]));
        // Without the strong promise's place the other is left, where a run may stop.
        assert_eq!(now_and_then(STRONG), Some(vec![0]));
        let wherever = |label| round(&[&[(1, WEAK)], &[(0, WEAK), (2, label)], &[]], &[true, true, false]);
        assert_eq!(wherever(STRONG), None);
    }

    #[test]
    fn without_a_place_a_part_falls_in_two_and_one_of_them_may_be_fair() {
        // 1 <-> 0 <-> 2: all are one part, but 0 has promised to leave, and 1 to go on.
        let fork = |label| {
            let edges: [&[_]; 4] = [&[(1, FREE), (2, FREE), (3, STRONG)], &[(0, WEAK)], &[(0, FREE), (2, label)], &[]];
            round(&edges, &[true, true, true, false])
        };
        assert_eq!(fork(FREE), Some(vec![2]));
        let other = (Some(('o', Weak)), true);
        assert_eq!(fork(other), Some(vec![2]), "what is promised leads back");
        assert_eq!(round(&[&[(1, FREE), (2, STRONG)], &[(0, WEAK)], &[]], &[true, true, false]), None);
    }

    #[test]
    fn a_fair_way_round_pays_what_it_owes() {
        // 0 has an edge to itself, yet must keep its promise to go to 1 and back.
        assert_eq!(round(&[&[(0, FREE), (1, WEAK)], &[(0, WEAK)]], &[true; 2]), Some(vec![0, 0, 1]));
        assert_eq!(round(&[&[(0, FREE), (1, STRONG)], &[(2, FREE)], &[(0, WEAK)]], &[true; 3]), Some(vec![0, 0, 1, 2]));
    }

    #[test]
    fn what_does_not_recur_closes_no_way_round() {
        let once = |recurs| round(&[&[(1, WEAK)], &[(0, (Some(('w', Weak)), recurs))]], &[true; 2]);
        assert_eq!(once(true), Some(vec![0, 1]));
        assert_eq!(once(false), None);
    }

    /// A tiny graph out of any numbers: up to six nodes, three promises.
    fn tiny(edges: &[(u8, u8, u8)]) -> Small {
        let promise = |kind: u8| match kind % 8 {
            0 | 1 => None,
            2 => Some(('a', Weak)),
            3 => Some(('b', Weak)),
            4 | 5 => Some(('c', Strong)),
            _ => Some(('d', Strong)),
        };
        let mut graph = Graph::default();
        for node in 0..6 {
            let out = edges.iter().filter(|(from, ..)| from % 6 == node);
            graph.push(out.map(|&(_, to, kind)| (u32::from(to % 6), (promise(kind), kind < 224))));
        }
        Small(graph)
    }

    /// By the definition: whether to visit just these nodes again and again, by all edges between them, is fair.
    fn is_fair(Small(graph): &Small, nodes: &[u32]) -> bool {
        let inside = |&&(to, (_, recurs)): &&(u32, Label)| recurs && nodes.contains(&to);
        let connected = nodes.iter().all(|&from| {
            let mut reached = vec![from];
            let mut next = 0;
            while next < reached.len() {
                for &(to, _) in graph.out(reached[next]).iter().filter(inside) {
                    if !reached.contains(&to) {
                        reached.push(to);
                    }
                }
                next += 1;
            }
            nodes.iter().all(|to| reached.contains(to))
        });
        let offers = |node, promise| graph.out(node).iter().any(|&(_, (offered, _))| offered == promise);
        let keeps = |promise| {
            let mut edges = nodes.iter().flat_map(|&node| graph.out(node).iter().filter(inside));
            edges.any(|&(_, (kept, _))| kept == promise)
        };
        let mut promises = nodes.iter().flat_map(|&node| graph.out(node)).map(|&(_, (promise, _))| promise);
        connected
            && promises.all(|promise| match promise {
                None => true,
                Some((_, Weak)) => keeps(promise) || !nodes.iter().all(|&node| offers(node, promise)),
                Some((_, Strong)) => keeps(promise),
            })
    }

    quickcheck! {
        /// Some set of nodes in the region is fair if and only if a fair way round is found; and that one is fair.
        fn it_finds_what_trying_all_sets_finds(edges: Vec<(u8, u8, u8)>, region: u8) -> bool {
            let small = tiny(&edges);
            let region: Vec<bool> = (0..6).map(|node| region >> node & 1 == 1).collect();
            let subsets = (1_u8..64).map(|set| (0..6_u32).filter(|&node| set >> node & 1 == 1).collect::<Vec<_>>());
            let mut possible = subsets.filter(|nodes| nodes.iter().all(|&node| region[index(node)]));
            match fair_round(&small.0, &region, &small) {
                None => !possible.any(|nodes| is_fair(&small, &nodes)),
                Some(round) => {
                    let mut nodes = round.clone();
                    nodes.sort_unstable();
                    nodes.dedup();
                    nodes.iter().all(|&node| region[index(node)]) && is_fair(&small, &nodes)
                }
            }
        }
    }
}
