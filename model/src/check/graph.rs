//! A directed graph with labelled edges, and the two questions the checker asks of it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

/// Nodes are numbered from 0; the edges out of each stand together.
#[derive(Clone, Debug)]
pub struct Graph<L> {
    /// Where the edges of each node begin; one more at the end.
    first: Vec<u32>,
    edges: Vec<(u32, L)>,
}

impl<L> Default for Graph<L> {
    fn default() -> Self {
        Graph { first: vec![0], edges: Vec::new() }
    }
}

/// The number that stands for no node.
const NONE: u32 = u32::MAX;

impl<L: Copy> Graph<L> {
    /// Adds the next node with its edges; they may lead to nodes that are yet to come.
    pub fn push(&mut self, edges: impl IntoIterator<Item = (u32, L)>) {
        self.edges.extend(edges);
        self.first.push(number(self.edges.len()));
    }

    /// How many nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.first.len() - 1
    }

    /// How many edges.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.edges.len()
    }

    /// The edges out of a node.
    #[must_use]
    pub fn out(&self, node: u32) -> &[(u32, L)] {
        let node = index(node);
        &self.edges[index(self.first[node])..index(self.first[node + 1])]
    }

    /// For each node, whether a goal can be reached from it over edges with wanted labels: backward from the goals.
    #[must_use]
    pub fn can_reach(&self, is_goal: impl Fn(u32) -> bool, wanted: impl Fn(L) -> bool) -> Vec<bool> {
        let back = self.reversed(wanted);
        let mut reaches: Vec<bool> = (0..number(self.nodes())).map(&is_goal).collect();
        let mut frontier: Vec<u32> = (0..number(self.nodes())).filter(|&node| reaches[index(node)]).collect();
        while let Some(node) = frontier.pop() {
            for &(earlier, ()) in back.out(node) {
                if !reaches[index(earlier)] {
                    reaches[index(earlier)] = true;
                    frontier.push(earlier);
                }
            }
        }
        reaches
    }

    /// The same graph with every wanted edge turned round and without labels.
    fn reversed(&self, wanted: impl Fn(L) -> bool) -> Graph<()> {
        let mut first = vec![0_u32; self.nodes() + 1];
        for &(to, _) in self.edges.iter().filter(|&&(_, label)| wanted(label)) {
            first[index(to) + 1] += 1;
        }
        for node in 0..self.nodes() {
            first[node + 1] += first[node];
        }
        let mut free = first.clone();
        let mut edges = vec![(0, ()); index(first[self.nodes()])];
        for node in 0..number(self.nodes()) {
            for &(to, _) in self.out(node).iter().filter(|&&(_, label)| wanted(label)) {
                edges[index(free[index(to)])] = (node, ());
                free[index(to)] += 1;
            }
        }
        Graph { first, edges }
    }

    /// A cycle made of edges with wanted labels, as its nodes in order, if there is one: Tarjan's strongly connected
    /// components, then the shortest way round in the first that has an edge.
    #[must_use]
    pub fn cycle(&self, wanted: impl Fn(L) -> bool) -> Option<Vec<u32>> {
        let component = self.components(|_, &(_, label)| wanted(label));
        let inside =
            |from: u32, &(to, label): &(u32, L)| wanted(label) && component[index(from)] == component[index(to)];
        let start = (0..number(self.nodes())).find(|&node| self.out(node).iter().any(|edge| inside(node, edge)))?;
        self.shortest_round(start, |from, edge| inside(from, edge))
    }

    /// The shortest cycle through `start`.
    fn shortest_round(&self, start: u32, usable: impl Fn(u32, &(u32, L)) -> bool) -> Option<Vec<u32>> {
        self.shortest_walk(start, usable, |_, &(to, _)| to == start)
    }

    /// The shortest walk from `start` over usable edges to where one of these is the last, breadth first: its nodes but
    /// for the one that the last edge leads to.
    pub(super) fn shortest_walk(
        &self,
        start: u32,
        usable: impl Fn(u32, &(u32, L)) -> bool,
        is_last: impl Fn(u32, &(u32, L)) -> bool,
    ) -> Option<Vec<u32>> {
        let mut parent = HashMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for edge in self.out(node).iter().filter(|edge| usable(node, edge)) {
                if is_last(node, edge) {
                    let mut walk = vec![node];
                    while let Some(&earlier) = parent.get(&walk[walk.len() - 1]) {
                        walk.push(earlier);
                    }
                    walk.reverse();
                    return Some(walk);
                }
                let to = edge.0;
                if to == start {
                    continue;
                }
                if let Entry::Vacant(unseen) = parent.entry(to) {
                    unseen.insert(node);
                    queue.push_back(to);
                }
            }
        }
        None
    }

    /// The strongly connected component of each node, over the wanted of its edges.
    #[must_use]
    pub fn components(&self, wanted: impl Fn(u32, &(u32, L)) -> bool) -> Vec<u32> {
        let mut search = Tarjan::new(self.nodes());
        for root in 0..number(self.nodes()) {
            search.visit(self, root, &wanted);
        }
        search.component
    }
}

/// Tarjan's algorithm with its recursion as a list, for the graphs are deep.
struct Tarjan {
    /// When a node was first seen.
    order: Vec<u32>,
    /// The earliest node on the stack that it can reach.
    low: Vec<u32>,
    component: Vec<u32>,
    stack: Vec<u32>,
    seen: u32,
    components: u32,
}

impl Tarjan {
    fn new(nodes: usize) -> Self {
        Tarjan {
            order: vec![NONE; nodes],
            low: vec![NONE; nodes],
            component: vec![NONE; nodes],
            stack: Vec::new(),
            seen: 0,
            components: 0,
        }
    }

    fn visit<L: Copy>(&mut self, graph: &Graph<L>, root: u32, wanted: &impl Fn(u32, &(u32, L)) -> bool) {
        if self.order[index(root)] != NONE {
            return;
        }
        // A node under way, and how many of its edges have been looked at.
        let mut calls = vec![(root, 0)];
        self.enter(root);
        while let Some((node, looked_at)) = calls.last_mut() {
            let node = *node;
            let Some(edge) = graph.out(node).get(*looked_at) else {
                calls.pop();
                self.leave(node);
                if let Some(&(caller, _)) = calls.last() {
                    self.low[index(caller)] = self.low[index(caller)].min(self.low[index(node)]);
                }
                continue;
            };
            *looked_at += 1;
            if !wanted(node, edge) {
                continue;
            }
            let to = edge.0;
            if self.order[index(to)] == NONE {
                self.enter(to);
                calls.push((to, 0));
            } else if self.component[index(to)] == NONE {
                self.low[index(node)] = self.low[index(node)].min(self.order[index(to)]);
            }
        }
    }

    fn enter(&mut self, node: u32) {
        self.order[index(node)] = self.seen;
        self.low[index(node)] = self.seen;
        self.seen += 1;
        self.stack.push(node);
    }

    fn leave(&mut self, node: u32) {
        if self.low[index(node)] != self.order[index(node)] {
            return;
        }
        while let Some(member) = self.stack.pop() {
            self.component[index(member)] = self.components;
            if member == node {
                break;
            }
        }
        self.components += 1;
    }
}

/// A number of nodes or edges.
///
/// # Panics
/// Beyond 2^32-1 of them, which no memory of this decade holds.
#[must_use]
pub fn number(len: usize) -> u32 {
    u32::try_from(len).expect("a graph has less than 2^32 nodes and edges")
}

/// The place of a node in an array.
///
/// # Panics
/// Where addresses have fewer than 32 bits, which no checker runs on.
#[must_use]
pub fn index(node: u32) -> usize {
    usize::try_from(node).expect("an address has at least 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    /// Each line of `edges` belongs to one node; labels tell wanted edges.
    fn graph(edges: &[&[(u32, bool)]]) -> Graph<bool> {
        let mut graph = Graph::default();
        for out in edges {
            graph.push(out.iter().copied());
        }
        graph
    }

    #[test]
    fn what_cannot_come_back_cannot_reach() {
        // 0 -> 1 -> 2, 1 -> 3 (a trap with a loop)
        let graph = graph(&[&[(1, true)], &[(2, true), (3, true)], &[], &[(3, true)]]);
        assert_eq!(graph.can_reach(|node| node == 2, |_| true), [true, true, true, false]);
        assert_eq!(graph.can_reach(|node| node == 2, |wanted| !wanted), [false, false, true, false]);
    }

    #[test]
    fn components_of_a_known_graph() {
        // 0 -> 1 -> 2 -> 0, 2 -> 3 <-> 4, 5 alone
        let graph =
            graph(&[&[(1, true)], &[(2, true)], &[(0, true), (3, true)], &[(4, true)], &[(3, true)], &[(0, true)]]);
        let component = graph.components(|_, _| true);
        assert!(component[0] == component[1] && component[1] == component[2]);
        assert!(component[3] == component[4]);
        assert!(component[0] != component[3] && component[5] != component[0] && component[5] != component[3]);
    }

    #[test]
    fn only_wanted_edges_close_a_cycle() {
        let wanted_and_not = graph(&[&[(1, true)], &[(2, true)], &[(0, false)]]);
        assert_eq!(wanted_and_not.cycle(|wanted| wanted), None);
        assert_eq!(wanted_and_not.cycle(|_| true), Some(vec![0, 1, 2]));
        let own = graph(&[&[(1, true)], &[(1, true)]]);
        assert_eq!(own.cycle(|_| true), Some(vec![1]));
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let mut graph = Graph::default();
        for node in 1..200_000 {
            graph.push([(node, ())]);
        }
        graph.push([(0, ())]);
        assert_eq!(graph.cycle(|()| true).map(|round| round.len()), Some(200_000));
    }

    quickcheck! {
        /// Reachability and components agree: two nodes share a component if and only if each reaches the other.
        fn a_component_is_mutual_reachability(edges: Vec<(u8, u8)>) -> bool {
            let mut graph = Graph::default();
            for node in 0..12 {
                let out = edges.iter().filter(|(from, _)| from % 12 == node);
                graph.push(out.map(|(_, to)| (u32::from(to % 12), ())));
            }
            let component = graph.components(|_, _| true);
            (0..12).all(|a| {
                let reaches_a = graph.can_reach(|node| node == a, |()| true);
                (0..12).all(|b| {
                    let reaches_b = graph.can_reach(|node| node == b, |()| true);
                    let mutual = reaches_a[index(b)] && reaches_b[index(a)];
                    mutual == (component[index(a)] == component[index(b)])
                })
            })
        }
    }
}
