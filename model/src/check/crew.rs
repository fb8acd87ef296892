//! Threads that do tasks side by side; what they make comes back in the order in which the tasks were handed out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Lets `lead` hand out tasks that so many threads do, its own among them, by `work`.
pub fn crew<T: Send, M: Send, R>(
    threads: usize,
    work: impl Fn(T) -> M + Sync,
    lead: impl FnOnce(&mut Crew<'_, T, M>) -> R,
) -> R {
    let board = Board { notes: Mutex::default(), news: Condvar::new() };
    let (board, work) = (&board, &work);
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(move || board.help(work));
        }
        let _end = Closing(board);
        lead(&mut Crew { board, work, handed_out: 0, taken: 0, room: if threads > 1 { 4 * threads } else { 1 } })
    })
}

/// What the leader sees of the others.
pub struct Crew<'a, T, M> {
    board: &'a Board<T, M>,
    work: &'a (dyn Fn(T) -> M + Sync),
    handed_out: usize,
    taken: usize,
    room: usize,
}

impl<T, M> Crew<'_, T, M> {
    /// Whether to hand out more tasks before the next is taken.
    pub fn has_room(&self) -> bool {
        self.handed_out - self.taken < self.room
    }

    /// Hands out a task.
    pub fn hand_out(&mut self, task: T) {
        self.board.notes().tasks.push_back((self.handed_out, task));
        self.board.news.notify_one();
        self.handed_out += 1;
    }

    /// What was made of the earliest task whose result was not yet taken; `None` if there is no such task. While it is
    /// not there the leader works too.
    pub fn next(&mut self) -> Option<M> {
        let wanted = (self.taken < self.handed_out).then_some(self.taken)?;
        self.taken += 1;
        let mut notes = self.board.notes();
        loop {
            if let Some(made) = notes.made.remove(&wanted) {
                return Some(made);
            }
            notes = match notes.tasks.pop_front() {
                Some((number, task)) => {
                    drop(notes);
                    let made = (self.work)(task);
                    if number == wanted {
                        return Some(made);
                    }
                    let mut notes = self.board.notes();
                    notes.made.insert(number, made);
                    notes
                }
                None if notes.closed => return None,
                None => self.board.wait(notes),
            };
        }
    }
}

/// Where tasks and results are posted.
struct Board<T, M> {
    notes: Mutex<Notes<T, M>>,
    news: Condvar,
}

struct Notes<T, M> {
    tasks: VecDeque<(usize, T)>,
    made: BTreeMap<usize, M>,
    /// Nobody need wait for anything any more.
    closed: bool,
}

impl<T, M> Default for Notes<T, M> {
    fn default() -> Self {
        Notes { tasks: VecDeque::new(), made: BTreeMap::new(), closed: false }
    }
}

impl<T, M> Board<T, M> {
    fn help(&self, work: &(dyn Fn(T) -> M + Sync)) {
        // Also if `work` panics, so that nobody waits for its result; the scope hands the panic on.
        let _end = Closing(self);
        let mut notes = self.notes();
        while !notes.closed {
            notes = match notes.tasks.pop_front() {
                Some((number, task)) => {
                    drop(notes);
                    let made = work(task);
                    let mut notes = self.notes();
                    notes.made.insert(number, made);
                    self.news.notify_all();
                    notes
                }
                None => self.wait(notes),
            };
        }
    }

    /// No thread panics while it holds the lock.
    fn notes(&self) -> MutexGuard<'_, Notes<T, M>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, notes: MutexGuard<'a, Notes<T, M>>) -> MutexGuard<'a, Notes<T, M>> {
        self.news.wait(notes).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends everybody home when it goes.
struct Closing<'a, T, M>(&'a Board<T, M>);

impl<T, M> Drop for Closing<'_, T, M> {
    fn drop(&mut self) {
        self.0.notes().closed = true;
        self.0.news.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// The squares of the first numbers, some of which take longer.
    fn squares(threads: usize) -> Vec<u64> {
        let work = |n: u64| {
            thread::sleep(Duration::from_millis(n % 3));
            n * n
        };
        crew(threads, work, |crew| {
            let mut tasks = 0..60;
            let mut squares = Vec::new();
            loop {
                while crew.has_room() {
                    let Some(task) = tasks.next() else { break };
                    crew.hand_out(task);
                }
                match crew.next() {
                    Some(square) => squares.push(square),
                    None => return squares,
                }
            }
        })
    }

    #[test]
    fn results_come_in_the_order_of_tasks() {
        let expected: Vec<u64> = (0..60).map(|n| n * n).collect();
        for threads in 1..=4 {
            assert_eq!(squares(threads), expected);
        }
    }

    #[test]
    fn a_panic_is_handed_on() {
        let one_fails = || {
            crew(
                2,
                |n: u32| assert!(n != 3, "not three"),
                |crew| {
                    (0..8).for_each(|n| crew.hand_out(n));
                    while crew.next().is_some() {}
                },
            );
        };
        assert!(std::panic::catch_unwind(one_fails).is_err());
    }
}
