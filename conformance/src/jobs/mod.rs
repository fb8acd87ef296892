//! Many tasks, each in a child process: the program starts itself again, and what a task does to its process is done
//! to nobody else.
//!
//! ```text
//!   crew (this process)              hand (a child process), several of them
//!     orders  ------------ a line --->  what holds for all tasks
//!     task    ------------ a line --->  does it
//!     each(answer)  <----- a line ----
//! ```
//!
//! A panic could be caught in a thread. An abort, the overflow of a stack and a loop without end cannot: whoever must
//! survive them needs a process. It costs little (a hand is made in a few milliseconds and then does task after task, a
//! message takes some ten microseconds), and where a task needs a network namespace of its own, there is no other way.
//!
//! A task that kills its hand, or takes longer than it may, is *lost*, with the reason; a new hand goes on with the
//! next.

mod hand;

use std::fmt::{self, Display, Formatter};
use std::io::{self, BufRead, Write};
use std::process::{Command, ExitStatus};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::namespace::EXIT_REFUSED;
use hand::Hand;

/// Hands that do tasks side by side.
pub struct Crew<'a, O> {
    /// Makes the command that starts a hand, which [serves](serve).
    pub start: &'a (dyn Fn() -> Command + Sync),
    /// What every hand is told first.
    pub orders: &'a O,
    /// How many hands there are.
    pub hands: usize,
}

/// Why nobody does the tasks.
#[derive(Debug, thiserror::Error)]
pub enum CrewError {
    /// The machine does not give a hand what it needs.
    #[error("{0}")]
    Refused(String),
    /// A hand cannot be started, or not be talked to.
    #[error("cannot start a child process: {0}")]
    Start(#[from] io::Error),
}

/// What became of a hand that did not do its task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It ended.
    Died {
        /// How.
        status: ExitStatus,
        /// The last of what it complained about.
        complaint: String,
    },
    /// It was ended after this long, in which it gave no answer.
    Hung(Duration),
    /// What it said is no answer.
    Garbled(String),
}

impl Display for Lost {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Died { status, complaint } if complaint.is_empty() => write!(f, "the run crashed with {status}"),
            Self::Died { status, complaint } => write!(f, "the run crashed with {status}: {complaint}"),
            Self::Hung(after) => write!(f, "the run was ended after {} s without a result", after.as_secs()),
            Self::Garbled(line) => write!(f, "the run says `{line}`, which is no result"),
        }
    }
}

impl<O: Serialize + Sync> Crew<'_, O> {
    /// Does all tasks; `each` is told every answer as soon as there is one, in no order. A task may take as long as
    /// `patience` says; `lost` makes an answer of what became of one that was lost.
    ///
    /// # Errors
    ///
    /// [`CrewError`] if the tasks that are left cannot be done here at all.
    pub fn run<T, A>(
        &self,
        tasks: &[T],
        patience: impl Fn(&T) -> Duration + Sync,
        lost: impl Fn(&T, &Lost) -> A + Sync,
        mut each: impl FnMut(A),
    ) -> Result<(), CrewError>
    where
        T: Serialize + Sync,
        A: DeserializeOwned + Send,
    {
        let next = AtomicUsize::new(0);
        let failed = Mutex::new(None);
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..self.hands.clamp(1, tasks.len().max(1)) {
                let tell = tell.clone();
                let (next, failed, patience, lost) = (&next, &failed, &patience, &lost);
                scope.spawn(move || {
                    let take = || tasks.get(next.fetch_add(1, Ordering::Relaxed));
                    if let Err(error) = self.work(take, patience, lost, &tell) {
                        // The others find nothing left to do.
                        next.store(tasks.len(), Ordering::Relaxed);
                        failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).replace(error);
                    }
                });
            }
            drop(tell);
            told.into_iter().for_each(&mut each);
        });
        failed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).map_or(Ok(()), Err)
    }

    /// One hand after the other, until there is no task to take.
    fn work<'t, T: Serialize + 't, A: DeserializeOwned>(
        &self,
        take: impl Fn() -> Option<&'t T>,
        patience: impl Fn(&T) -> Duration,
        lost: impl Fn(&T, &Lost) -> A,
        tell: &mpsc::Sender<A>,
    ) -> Result<(), CrewError> {
        let mut hand = None;
        while let Some(task) = take() {
            let ready = match hand.take() {
                Some(ready) => ready,
                None => Hand::start(&mut (self.start)(), self.orders)?,
            };
            let answer = match ready.give(task, patience(task)) {
                Ok((answer, ready)) => {
                    hand = Some(ready);
                    answer
                }
                Err(Lost::Died { status, complaint }) if status.code() == Some(i32::from(EXIT_REFUSED)) => {
                    return Err(CrewError::Refused(complaint));
                }
                Err(what) => lost(task, &what),
            };
            if tell.send(answer).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// A hand's side: hears the orders, then does task after task and answers, until nobody gives any more.
///
/// # Errors
///
/// What is wrong with the pipe, or with what was said.
pub fn serve<O, T, A>(mut work: impl FnMut(&O, T) -> A) -> io::Result<()>
where
    O: DeserializeOwned,
    T: DeserializeOwned,
    A: Serialize,
{
    let mut lines = io::stdin().lock().lines();
    let Some(orders) = lines.next() else { return Ok(()) };
    let orders: O = serde_json::from_str(&orders?)?;
    for task in lines {
        let answer = serde_json::to_string(&work(&orders, serde_json::from_str(&task?)?))? + "\n";
        let mut out = io::stdout().lock();
        out.write_all(answer.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Instant;

    use super::*;

    /// A hand that answers what it is asked, unless it is asked for something else.
    fn shell() -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(
            r#"
            read -r orders
            while read -r task; do
                case $task in
                    *abort*) echo "it is too much" >&2; kill -ABRT $$ ;;
                    *leave*) exit 3 ;;
                    *refuse*) echo "no such thing here" >&2; exit 77 ;;
                    *hang*) while :; do read -r -t 1 nothing </dev/zero || sleep 0.1; done ;;
                    *chatter*) echo "hello" ;;
                    *) echo "$task" ;;
                esac
            done
            "#,
        );
        command
    }

    fn run(tasks: &[&str]) -> (Result<(), CrewError>, BTreeMap<String, usize>) {
        let crew = Crew { start: &shell, orders: &"be good", hands: 2 };
        let mut answers = BTreeMap::new();
        let lost = |task: &&str, what: &Lost| format!("{task}: {what}");
        let patience = |task: &&str| Duration::from_secs(if task.contains("hang") { 1 } else { 20 });
        let done = crew.run(tasks, patience, lost, |answer: String| *answers.entry(answer).or_insert(0) += 1);
        (done, answers)
    }

    #[test]
    fn what_a_task_does_to_its_process_is_done_to_no_other_task() {
        let tasks = ["one", "abort", "two", "leave", "three", "hang", "four", "chatter", "five"];
        let began = Instant::now();
        let (done, answers) = run(&tasks);
        done.expect("all were done");
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        let told: Vec<&str> = answers.keys().map(String::as_str).collect();
        let wanted = [
            "abort: the run crashed with signal: 6 (SIGABRT): it is too much",
            "chatter: the run says `hello`, which is no result",
            "five",
            "four",
            "hang: the run was ended after 1 s without a result",
            "leave: the run crashed with exit status: 3",
            "one",
            "three",
            "two",
        ];
        let told: Vec<String> = told.iter().map(|words| words.replace(" (core dumped)", "")).collect();
        assert_eq!(told, wanted);
        assert!(answers.values().all(|count| *count == 1), "{answers:?}");
    }

    #[test]
    fn a_machine_that_refuses_is_asked_no_more() {
        let (done, answers) = run(&["one", "refuse", "refuse", "refuse"]);
        assert!(matches!(&done, Err(CrewError::Refused(reason)) if reason == "no such thing here"), "{done:?}");
        assert!(answers.len() <= 1, "{answers:?}");
        let nobody = || Command::new("/nowhere/at/all");
        let crew = Crew { start: &nobody, orders: &(), hands: 2 };
        let done = crew.run(&[1], |_| Duration::ZERO, |_, _| 0, |_| {});
        assert!(matches!(done, Err(CrewError::Start(_))), "{done:?}");
    }
}
