//! Chromium without a window, spoken to over a pair of pipes (`--remote-debugging-pipe`): as much of its DevTools
//! protocol as the tests need, which neither a port nor another program has to be trusted with.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The names that Chromium goes by.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// As root there is no sandbox; nothing is fetched, and nobody is told anything.
const OPTIONS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
    "about:blank",
];

/// A browser with one page. Dropped, it is ended.
pub struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    sent: u64,
    profile: PathBuf,
}

/// A key to press.
#[derive(Clone, Copy)]
pub enum Key {
    Tab,
    Enter,
    Escape,
    ArrowRight,
    ArrowDown,
}

impl Browser {
    /// Starts one that keeps what it has to remember in this folder, or says why there is none.
    pub fn start(profile: &Path) -> Result<Self, String> {
        let program = NAMES.iter().find(|name| is_a_program(name)).ok_or("there is no chromium in the path")?;
        // It reads from descriptor 3 and writes to 4, which only a shell can give it.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh", program])
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(OPTIONS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let commands = child.stdin.take().ok_or("it has no pipe")?;
        let output = child.stdout.take().ok_or("it has no pipe")?;
        let (tell, messages) = mpsc::channel();
        thread::spawn(move || {
            let messages = BufReader::new(output).split(0).map_while(Result::ok);
            messages
                .filter_map(|message| serde_json::from_slice(&message).ok())
                .try_for_each(|message| tell.send(message))
        });
        let profile = profile.to_owned();
        let mut browser = Self { child, commands, messages, session: None, sent: 0, profile };
        let target = browser.command("Target.createTarget", &json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = browser.command("Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        browser.size(1400, 1000);
        Ok(browser)
    }

    /// Opens a page, and waits until it is there.
    pub fn open(&mut self, address: &str) {
        self.command("Page.navigate", &json!({ "url": address }));
        self.wait(&format!("location.href == {address:?} && document.readyState == 'complete'"));
    }

    /// The value of an expression in the page.
    pub fn ask(&mut self, expression: &str) -> Value {
        let answer = self.command("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true }));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub fn wait(&mut self, expression: &str) {
        let began = Instant::now();
        while self.ask(expression) != true {
            assert!(began.elapsed() < PATIENCE, "it never holds: {expression}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Clicks into the middle of the first element that fits, with the mouse.
    pub fn click(&mut self, selector: &str) {
        let place = self.ask(&format!(
            "(() => {{ const part = document.querySelector({selector:?}); part.scrollIntoView({{ block: 'center' }}); \
             const box = part.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.command("Input.dispatchMouseEvent", &event);
        }
    }

    /// Presses a key.
    pub fn press(&mut self, key: Key) {
        let (name, code, text) = match key {
            Key::Tab => ("Tab", 9, ""),
            Key::Enter => ("Enter", 13, "\r"),
            Key::Escape => ("Escape", 27, ""),
            Key::ArrowRight => ("ArrowRight", 39, ""),
            Key::ArrowDown => ("ArrowDown", 40, ""),
        };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code, "text": text });
            self.command("Input.dispatchKeyEvent", &event);
        }
    }

    /// The value of an expression on a screen as narrow as a telephone's.
    pub fn on_a_telephone(&mut self, expression: &str) -> Value {
        self.size(400, 800);
        self.ask(expression)
    }

    fn size(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Has something done, and waits for the answer.
    fn command(&mut self, method: &str, parameters: &Value) -> Value {
        self.sent += 1;
        let mut command = json!({ "id": self.sent, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).expect("the browser listens");
        let began = Instant::now();
        loop {
            let message = self.messages.recv_timeout(PATIENCE.saturating_sub(began.elapsed()));
            let message = message.unwrap_or_else(|error| panic!("no answer to {method}: {error}"));
            if message["id"] == self.sent {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its processes end with the pipe; the first of them is ended here if it does not.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // It is in the target directory: no harm if it stays.
        let _ = fs::remove_dir_all(&self.profile);
    }
}

fn is_a_program(name: &str) -> bool {
    let path = std::env::var_os("PATH");
    path.as_deref()
        .map(std::env::split_paths)
        .into_iter()
        .flatten()
        .any(|folder| folder.join(OsStr::new(name)).is_file())
}
