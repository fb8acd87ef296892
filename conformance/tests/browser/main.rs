//! The page in a real browser: it is opened, filtered, clicked, and read.

mod chromium;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use chromium::{Browser, Key};
use lockstep_conformance::namespace::require;
use serde_json::Value;

/// A page of a few scenarios and one row of cells, as the program writes it, in a browser; nothing where there is none.
fn page(arguments: &[&str]) -> Option<Browser> {
    static PAGES: AtomicUsize = AtomicUsize::new(0);
    let number = PAGES.fetch_add(1, Ordering::Relaxed);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("page{number}.html"));
    let mut program = Command::new(env!("CARGO_BIN_EXE_lockstep-conformance"));
    let output = program.args(arguments).arg("--html").arg(&file).output().expect("the program starts");
    assert!(file.exists(), "{}", String::from_utf8_lossy(&output.stderr));
    let profile = file.with_extension("profile");
    match Browser::start(&profile) {
        Ok(mut browser) => {
            browser.open(&format!("file://{}", file.display()));
            Some(browser)
        }
        Err(reason) => {
            require::skip("chromium", reason).expect("nobody demands it");
            None
        }
    }
}

/// A script that expects what does not happen, so that there is a failure to look at.
fn failing() -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("for_the_browser.pkt");
    let script = "// LISTEN, SYN: it is answered otherwise.\n//\n// RFC 9293 §3.10.7.2: \"any text\"\n
        +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0
        +0 < S 0:0(0) win 65535 <mss 1460>\n+0 > S. 0:0(0) ack 2 <mss 1460>\n";
    std::fs::write(&file, script).expect("the target directory can be written");
    file
}

/// As somebody does who looks for what is wrong.
#[test]
fn a_failure_is_found_opened_and_read() {
    let file = failing();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/3.5.2-reset");
    let arguments = ["run", "--system", "lockstep", folder, file.to_str().expect("a name")];
    let Some(mut browser) = page(&arguments) else { return };

    let rows = browser.ask("document.querySelectorAll('.list tbody tr').length");
    assert!(rows.as_u64().is_some_and(|rows| rows > 5), "{rows}");
    browser.click("label:has(input[value=fails])");
    assert_eq!(browser.ask("document.querySelectorAll('.list tbody tr:not([hidden])').length"), 1);
    assert_eq!(browser.ask("document.querySelector('#filters output').value"), format!("1 of {rows}"));

    browser.click("button.sign.fails");
    let opened = browser.ask("document.querySelector('#exhibit').open && document.querySelector('#exhibit').innerText");
    let opened = opened.as_str().expect("it is open");
    for words in ["it is answered otherwise", "RFC 9293 §3.10.7.2", "ack is 1, not 2", "<SEQ=0><ACK=1><CTL=SYN,ACK>"] {
        assert!(opened.contains(words), "{words:?} is missing in:\n{opened}");
    }
    let sides = "['.wire.injected', '.wire.sent'].map(side => document.querySelector('#exhibit ' + side).innerText)";
    assert_eq!(browser.ask(sides), serde_json::json!(["<SEQ=0><CTL=SYN>", "<SEQ=0><ACK=1><CTL=SYN,ACK>"]));
    let beside = "document.querySelector('#exhibit tr.wrong .expected').innerText";
    assert_eq!(browser.ask(beside), "+0 > S. 0:0(0) ack 2 <mss 1460>");

    browser.press(Key::Escape);
    assert_eq!(browser.ask("document.querySelector('#exhibit').open"), false);
    browser.click("button[type=reset]");
    browser.wait(&format!("document.querySelectorAll('.list tbody tr:not([hidden])').length == {rows}"));
}

/// From the first sign to another one and back, without a mouse.
#[test]
fn the_matrix_is_read_with_the_keyboard_alone() {
    let Some(mut browser) = page(&["matrix", "--system", "lockstep", "--system", "smoltcp"]) else { return };
    let here = "document.activeElement.getAttribute('aria-label') || ''";
    browser.ask("document.querySelector('#filters button').focus()");
    browser.press(Key::Tab);
    assert_eq!(browser.ask(here), "CLOSED ← SYN in-win on lockstep: conforms  RA");
    browser.press(Key::ArrowRight);
    browser.press(Key::ArrowRight);
    browser.press(Key::ArrowDown);
    let sign = browser.ask(here);
    assert!(sign.as_str().is_some_and(|sign| sign.starts_with("LISTEN ← SYN oow on lockstep: conforms")), "{sign}");

    browser.press(Key::Enter);
    let opened =
        browser.ask("document.querySelector('#exhibit').open && document.querySelector('#exhibit h2').innerText");
    assert_eq!(opened, "LISTEN ← SYN oow");
    let quoted = browser.ask("document.querySelector('#exhibit .cite').innerText");
    assert!(quoted.as_str().is_some_and(|words| words.contains("RFC 9293 §3.10.7.2")), "{quoted}");
    let unfolded = "[...document.querySelectorAll('#exhibit details[open]')].map(part => part.dataset.system)";
    assert_eq!(browser.ask(unfolded), serde_json::json!(["lockstep"]));

    browser.press(Key::Escape);
    assert_eq!(browser.ask(here), sign, "the focus is back");
}

/// With one system chosen its reactions are read in the cells, and the others are out of the way.
#[test]
fn one_system_is_looked_at() {
    let Some(mut browser) = page(&["matrix", "--system", "lockstep", "--system", "smoltcp"]) else { return };
    let shown = "[...document.querySelectorAll('.cells button')].filter(sign => sign.offsetParent).length";
    assert_eq!(browser.ask(shown), 2 * 13 * 26);
    browser.click("label:has(input[value=lockstep])");
    assert_eq!(browser.ask(shown), 13 * 26);
    assert_eq!(browser.ask("document.querySelector('.cells button').innerText.trim()"), "✓\nRA");
    let columns = "[...document.querySelector('.cells thead tr').cells].reduce((sum, cell) => sum + cell.colSpan, 0)";
    assert_eq!(browser.ask(columns), 1 + 13);
}

/// Nothing is fetched, whatever the page is asked to show.
#[test]
fn the_page_is_whole() {
    let Some(mut browser) =
        page(&["run", "--system", "lockstep", concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/3.5.2-reset")])
    else {
        return;
    };
    browser.click("button.sign");
    assert_eq!(browser.ask("performance.getEntriesByType('resource').length"), 0);
    assert_eq!(browser.ask("document.querySelectorAll('[src], link').length"), 0);
    let narrow: Value = browser.on_a_telephone("document.documentElement.scrollWidth <= innerWidth");
    assert_eq!(narrow, true, "nothing is wider than the screen");
}
