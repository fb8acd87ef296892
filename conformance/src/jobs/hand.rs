//! One child process, and the pipes to it.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Lost;

/// How many of its last complaints are kept.
const COMPLAINTS: usize = 6;

/// How long a child that has closed its pipe may take to end, and what it said last to arrive.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A child process that waits for a task. Dropped, it is ended.
pub struct Hand {
    child: Child,
    tasks: Option<ChildStdin>,
    answers: Receiver<String>,
    complaints: Complaints,
}

impl Hand {
    /// Starts one, and tells it its orders.
    pub fn start(command: &mut Command, orders: &impl Serialize) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (Some(tasks), Some(answers), Some(complaints)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("it has no pipes"));
        };
        let (answers, complaints) = (listen(answers), Complaints::of(complaints));
        let mut hand = Self { child, tasks: Some(tasks), answers, complaints };
        // One that is dying already tells why when it is given a task.
        let _ = hand.say(orders);
        Ok(hand)
    }

    /// Has a task done, and is ready again; or is ended.
    pub fn give<A: DeserializeOwned>(mut self, task: &impl Serialize, patience: Duration) -> Result<(A, Self), Lost> {
        if self.say(task).is_err() {
            return Err(self.died());
        }
        match self.answers.recv_timeout(patience) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(answer) => Ok((answer, self)),
                Err(_) => Err(Lost::Garbled(line)),
            },
            Err(RecvTimeoutError::Timeout) => Err(Lost::Hung(patience)),
            Err(RecvTimeoutError::Disconnected) => Err(self.died()),
        }
    }

    fn say(&mut self, what: &impl Serialize) -> io::Result<()> {
        let Some(pipe) = &mut self.tasks else { return Err(io::ErrorKind::BrokenPipe.into()) };
        pipe.write_all((serde_json::to_string(what)? + "\n").as_bytes())?;
        pipe.flush()
    }

    /// It has closed a pipe, so that it is ending.
    fn died(&mut self) -> Lost {
        self.tasks = None;
        let complaint = self.complaints.last(LAST_WORDS);
        match self.child.wait() {
            Ok(status) => Lost::Died { status, complaint },
            Err(error) => Lost::Garbled(error.to_string()),
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        // It has nothing that it would have to put in order.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines it says, each as soon as it is there.
fn listen(pipe: ChildStdout) -> Receiver<String> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    told
}

/// The last lines of its standard error.
struct Complaints {
    lines: Arc<Mutex<VecDeque<String>>>,
    ended: Receiver<()>,
}

impl Complaints {
    fn of(pipe: ChildStderr) -> Self {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let (end, ended) = mpsc::channel();
        let kept = Arc::clone(&lines);
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            // A line without end is taken in pieces.
            while matches!((&mut pipe).take(1024).read_until(b'\n', &mut line), Ok(octets) if octets > 0) {
                let mut kept = kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                kept.push_back(String::from_utf8_lossy(&line).trim().to_owned());
                while kept.len() > COMPLAINTS {
                    kept.pop_front();
                }
                line.clear();
            }
            // Nobody may listen any more.
            let _ = end.send(());
        });
        Self { lines, ended }
    }

    /// What is left of them, once the pipe is closed or this time has passed.
    fn last(&self, patience: Duration) -> String {
        // Whoever else holds the pipe open cannot keep us.
        let _ = self.ended.recv_timeout(patience);
        let lines = self.lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let told: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
        told.join(" | ")
    }
}
