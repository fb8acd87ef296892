//! The table as people see it.

use lockstep_model::render::{diagram, markdown};
use lockstep_model::{Profile, Table};

#[test]
fn the_diagram_of_what_the_stack_runs() {
    insta::assert_snapshot!(diagram::mermaid(Table::repaired()), @r#"
    stateDiagram-v2
        state "CLOSED" as Closed
        state "LISTEN" as Listen
        state "SYN-SENT" as SynSent
        state "SYN-RECEIVED" as SynReceived
        state "ESTABLISHED" as Established
        state "FIN-WAIT-1" as FinWait1
        state "FIN-WAIT-2" as FinWait2
        state "CLOSE-WAIT" as CloseWait
        state "CLOSING" as Closing
        state "LAST-ACK" as LastAck
        state "TIME-WAIT" as TimeWait
        [*] --> Closed
        Closed --> Listen : passive OPEN
        Closed --> SynSent : active OPEN / snd SYN
        Listen --> Closed : CLOSE / delete TCB
        Listen --> SynSent : active OPEN or SEND / snd SYN
        Listen --> SynReceived : rcv SYN / snd SYN,ACK
        SynSent --> Closed : CLOSE / delete TCB
        SynSent --> SynReceived : rcv SYN / snd SYN,ACK
        SynSent --> Established : rcv SYN,ACK / snd ACK
        SynReceived --> Listen : rcv SYN or rcv RST
        SynReceived --> Established : rcv SYN,ACK or rcv ACK of SYN
        SynReceived --> TimeWait : rcv SYN or rcv RST / restore old numbers
        Established --> FinWait1 : queued CLOSE<br/>CLOSE or CLOSE for good / queue FIN
        Established --> CloseWait : rcv FIN / snd ACK
        FinWait1 --> Closed : rcv text / snd RST, delete TCB
        FinWait1 --> FinWait2 : rcv ACK of FIN
        FinWait1 --> Closing : rcv FIN / snd ACK
        FinWait2 --> Closed : FIN-WAIT-2 timeout / delete TCB<br/>rcv text / snd RST, delete TCB
        FinWait2 --> TimeWait : rcv FIN / snd ACK
        CloseWait --> LastAck : FIN sent
        Closing --> TimeWait : rcv ACK of FIN
        LastAck --> Closed : rcv ACK of FIN / delete TCB
        TimeWait --> Closed : Timeout=2MSL / delete TCB
        TimeWait --> SynReceived : rcv SYN / keep old numbers, snd SYN,ACK
        note right of Closed
            CLOSE for good, from any but CLOSED, SYN-RECEIVED, TIME-WAIT
            ABORT, from any but CLOSED
            rcv SYN / snd RST, delete TCB, from any but CLOSED, LISTEN, SYN-SENT
            rcv RST / delete TCB, from any but CLOSED, LISTEN
            user timeout / delete TCB, from any but CLOSED
        end note
    "#);
}

#[test]
fn the_rules_that_the_stack_runs() {
    insta::assert_snapshot!("repaired", markdown::table(Table::repaired()));
}

#[test]
fn every_rule_has_a_row_of_eight_cells() {
    for profile in Profile::ALL {
        let text = markdown::table(Table::of(profile));
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), Table::of(profile).rules().len());
        assert!(rows.iter().all(|row| row.replace("\\|", "").matches('|').count() == 9), "{}", profile.name());
    }
}

#[test]
fn a_rule_changed_in_the_table_alone_changes_table_and_diagram() {
    let without = Table::repaired().mutate(|rule| (rule.name != "reopen/syn/new").then_some(rule));
    assert!(diagram::mermaid(Table::repaired()).contains("TimeWait --> SynReceived"));
    assert!(!diagram::mermaid(&without).contains("TimeWait --> SynReceived"));
    assert!(!markdown::table(&without).contains("reopen/syn/new"));
}

#[test]
fn the_readme_shows_the_diagram_of_the_table_that_the_stack_runs() {
    let readme = include_str!("../../README.md");
    let diagram = diagram::mermaid(Table::repaired());
    assert!(readme.contains(diagram.trim()), "README.md shows another diagram than `table --format mermaid`");
}
