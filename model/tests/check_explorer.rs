//! Stateright's Explorer over a world, as a browser finds it.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The program while it serves; it ends when the test does, however that ends.
struct Explorer {
    program: Child,
    address: String,
}

impl Drop for Explorer {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Explorer {
    fn over(world: &str) -> Explorer {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let address = free.to_string();
        let program = Command::new(env!("CARGO_BIN_EXE_lockstep-model"))
            .args(["explore", "--world", world, "--address", &address])
            .stdout(Stdio::null())
            .spawn()
            .expect("the program runs");
        Explorer { program, address }
    }

    /// What can happen after these choices.
    fn choices(&self, path: &str) -> Vec<Value> {
        let answer = self.get(&format!("/.states{path}"));
        let (_, body) = answer.split_once("\r\n\r\n").expect("a header and a body");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {answer}"))
    }

    fn get(&self, url: &str) -> String {
        let begun = Instant::now();
        let mut stream = loop {
            match TcpStream::connect(&self.address) {
                Ok(stream) => break stream,
                Err(error) => assert!(begun.elapsed() < Duration::from_secs(20), "{error}"),
            }
            sleep(Duration::from_millis(20));
        };
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("it can be set");
        write!(stream, "GET {url} HTTP/1.0\r\n\r\n").expect("it is taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }
}

#[test]
fn a_step_reads_as_a_segment_its_rules_two_tcbs_and_a_network() {
    let explorer = Explorer::over("close");
    let text = |choice: &Value, part: &str| choice[part].as_str().unwrap_or_default().to_owned();
    let mut path = "/0".to_owned();
    for wanted in ["A: OPEN active", "B: OPEN passive", "<SEQ=0><CTL=SYN> arrives at B"] {
        let choices = explorer.choices(&path);
        let choice = choices.iter().find(|choice| text(choice, "action") == wanted).expect(wanted);
        path += &format!("/{}", choice["actionIndex"]);
    }
    let choices = explorer.choices(&path);
    let arrival = "<SEQ=0><ACK=1><CTL=SYN,ACK> arrives at A";
    let choice = choices.iter().find(|choice| text(choice, "action") == arrival).expect(arrival);
    let outcome = text(choice, "outcome");
    for part in [
        "syn-sent/syn/established",
        "A ESTABLISHED   ISS=62 SND.UNA=ISS+1 SND.NXT=ISS+1 SND.WND=4 IRS=29 RCV.NXT=IRS+1\n",
        "B SYN-RECEIVED  ISS=29 SND.UNA=ISS SND.NXT=ISS+1",
        "A to B  <SEQ=1><ACK=1><CTL=ACK>",
    ] {
        assert!(outcome.contains(part), "{part:?} in {outcome}");
    }
    assert!(text(choice, "state").starts_with("A ESTABLISHED   ISS=62 SND.UNA=ISS+1"), "{}", text(choice, "state"));
    let svg = text(choice, "svg");
    assert_eq!(svg.matches("class=\"tip\"").count(), 2, "both segments that arrived: {svg}");
}
