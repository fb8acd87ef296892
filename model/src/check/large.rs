//! The worlds of the sweep: the same questions within larger bounds, about ten million states each.

use super::bounds::Bounds;
use super::environments;
use super::world::World;
use crate::table::Table;

/// A world of the graph, made larger.
#[derive(Clone, Copy, Debug)]
pub struct Large {
    /// The larger world.
    pub world: World,
    /// The name of the world that it was made of: what is expected of one is expected of the other.
    pub of: &'static str,
}

/// Every large world, over any table.
#[must_use]
pub fn over(table: &'static Table) -> Vec<Large> {
    let large = |&(name, of, widen): &(_, _, Widen)| {
        let world = environments::named(of, table)?;
        Some(Large { world: World { name, bounds: widen(world.bounds), ..world }, of })
    };
    LARGE.iter().filter_map(large).collect()
}

type Widen = fn(Bounds) -> Bounds;

/// Name, the world it is made of, and how.
const LARGE: &[(&str, &str, Widen)] = &[
    ("large-handshake", "handshake", |bounds| Bounds { capacity: 5, duplications: 2, ..bounds }),
    ("large-close", "close", |bounds| Bounds { capacity: 5, ..bounds }),
    ("large-data", "data", |bounds| Bounds { capacity: 4, ..bounds }),
    ("large-window", "window", |bounds| Bounds { capacity: 4, ..bounds }),
    ("large-reopen", "reopen", |bounds| Bounds { capacity: 5, ..bounds }),
    ("large-crash", "crash", |bounds| Bounds { duplications: 1, ..bounds }),
    ("large-calls", "calls", |bounds| Bounds { capacity: 2, ..bounds }),
    ("large-incarnations", "incarnations", |bounds| Bounds { duplications: 2, ..bounds }),
    ("large-attack", "attack", |bounds| Bounds { capacity: 3, ..bounds }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_large_world_is_a_world_made_larger() {
        let all = over(Table::repaired());
        assert_eq!(all.len(), LARGE.len(), "each is made of a world that exists");
        for Large { world, of } in all {
            let [small, large] = [environments::named(of, world.table).expect("it exists").bounds, world.bounds];
            let budget = |bounds: Bounds| (bounds.capacity, bounds.duplications, bounds.forgeries, bounds.buffer);
            let [(a, b, c, d), (e, f, g, h)] = [budget(small), budget(large)];
            assert!(a <= e && b <= f && c <= g && d <= h && (a, b, c, d) != (e, f, g, h), "{}", world.name);
        }
    }
}
