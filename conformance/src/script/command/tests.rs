//! Which commands are understood, in which forms.

use super::*;

fn probe_of(text: &str) -> Probe {
    match builtins(text).expect("understood").as_slice() {
        [Builtin::Probe(probe)] => *probe,
        other => panic!("{other:?}"),
    }
}

#[test]
fn sysctl_sets_any_number_of_knobs() {
    let set = |name: &str, value: &str| Builtin::Set(Knob { name: name.to_owned(), value: value.to_owned() });
    assert_eq!(builtins("sysctl -w net.ipv4.tcp_sack=0"), Ok(vec![set("net.ipv4.tcp_sack", "0")]));
    assert_eq!(
        builtins("sysctl a=1;sysctl -q b=2 c=3 && sysctl -w d=\"4 5\"\n"),
        Ok(vec![set("a", "1"), set("b", "2"), set("c", "3"), set("d", "4 5"),])
    );
}

#[test]
fn both_dialects_assert_the_same() {
    let time_wait = Probe { states: States::One(State::TimeWait), count: Count::Exactly(1) };
    assert_eq!(probe_of("ss -tan | grep -c TIME-WAIT | grep 1"), time_wait);
    assert_eq!(probe_of("sockstat -46 -P tcp -s | grep -c TIME_WAIT | grep 1"), time_wait);
    assert_eq!(probe_of("sockstat|grep -c \" TIME_WAIT\"|grep -q 1"), time_wait);
    assert_eq!(probe_of("ss -tan | grep ESTAB"), Probe { states: States::One(State::Established), count: Count::Some });
    assert_eq!(
        probe_of("! ss -Htan | grep -q ESTAB"),
        Probe { states: States::One(State::Established), count: Count::Exactly(0) }
    );
    let gone = Probe { states: States::Connected, count: Count::Exactly(0) };
    assert_eq!(probe_of("! ss -Htan state connected | grep :"), gone);
    assert_eq!(probe_of("ss -Htan state connected | grep -c : | grep 0"), gone);
    assert_eq!(builtins("tcpdrop -s CLOSE_WAIT"), Ok(vec![Builtin::Drop(State::CloseWait)]));
}

#[test]
fn counting_is_exact() {
    assert!(Count::Some.allows(2) && !Count::Some.allows(0));
    assert!(Count::Exactly(1).allows(1) && !Count::Exactly(1).allows(11));
    assert!(States::Connected.include(State::TimeWait) && !States::Connected.include(State::Listen));
    assert!(!States::Connected.include(State::Closed) && !States::One(State::Closing).include(State::TimeWait));
}

#[test]
fn both_suites_prepare_a_system_in_their_own_way() {
    let set = |name: &str, value: &str| Builtin::Set(Knob { name: name.to_owned(), value: value.to_owned() });
    for (text, wanted) in [
        ("../common/defaults.sh", vec![Builtin::Defaults]),
        (
            "../../common/defaults.sh\n../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0 /proc/sys/net/ipv4/tcp_ecn=1",
            vec![Builtin::Defaults, set("net.ipv4.tcp_sack", "0"), set("net.ipv4.tcp_ecn", "1")],
        ),
        ("/tmp/sysctl_restore_${PPID}.sh", vec![Builtin::Restore]),
        ("sysctl -w kern.ipc.maxsockbuf=8388608 >/dev/null 2>&1", vec![set("kern.ipc.maxsockbuf", "8388608")]),
        (
            "echo 1 > /proc/sys/net/ipv4/tcp_sack; sleep 0.5",
            vec![set("net.ipv4.tcp_sack", "1"), Builtin::Sleep(Duration::from_millis(500))],
        ),
        (
            "tcpdrop 192.0.2.1 8080 192.0.2.2 40000",
            vec![Builtin::DropConnection {
                local: "192.0.2.1:8080".parse().expect("an address"),
                remote: "192.0.2.2:40000".parse().expect("an address"),
            }],
        ),
    ] {
        assert_eq!(builtins(text), Ok(wanted), "{text}");
    }
}

#[test]
fn what_only_a_shell_knows_is_left_to_it_whole() {
    for text in [
        "kldload tcp_rack",
        "sysctl a=1; tc qdisc",
        "true || sysctl a=1",
        "sysctl a=$X",
        "ip route add 192.0.2.0/24 dev tun0 > /tmp/x",
        "echo 1 >> /proc/sys/net/ipv4/tcp_sack",
        "for i in 1 2; do true; done",
    ] {
        assert_eq!(builtins(text), Ok(vec![Builtin::Shell(text.to_owned())]), "{text}");
    }
}

#[test]
fn what_begins_like_ours_and_is_not_is_refused_by_name() {
    let refused = |text: &str| builtins(text).expect_err(text).to_string();
    insta::assert_snapshot!(refused("sysctl -a"), @"`-a` is not a name=value for sysctl");
    insta::assert_snapshot!(refused("set_sysctls.py tcp_sack=1"), @"`tcp_sack=1` is not a name=value for sysctl");
    insta::assert_snapshot!(refused("sysctl a='1"), @"a quote is never closed");
    insta::assert_snapshot!(refused(" ; "), @"there is nothing in it");
    insta::assert_snapshot!(refused("ss -tn | grep TIME-WAIT"), @"`ss -tn` is not `ss -tan`, nor `ss -Htan state ...` with `grep :`");
    insta::assert_snapshot!(refused("ss -tan state time-wait | grep :"), @"`ss -tan state time-wait` is not `ss -tan`, nor `ss -Htan state ...` with `grep :`");
    insta::assert_snapshot!(refused("ss -tan | grep -v ESTAB"), @"`grep -v ESTAB` is not a grep for one state, or for one count after grep -c");
    insta::assert_snapshot!(refused("ss -tan | grep -c ESTAB"), @"`grep -c ESTAB` is not a grep for one state, or for one count after grep -c");
    insta::assert_snapshot!(refused("ss -tan | grep -c ESTAB | grep many"), @"`grep -c ESTAB | grep many` is not a grep for one state, or for one count after grep -c");
    insta::assert_snapshot!(refused("! ss -tan | grep -c ESTAB | grep 1"), @"`grep -c ESTAB | grep 1` is not a grep for one state, or for one count after grep -c");
    insta::assert_snapshot!(refused("ss -tan | grep OPEN"), @"`OPEN` is not the name of a state");
    insta::assert_snapshot!(refused("tcpdrop -a"), @"`tcpdrop -a` is neither `tcpdrop -s STATE` nor two addresses with ports");
    insta::assert_snapshot!(refused("sleep a while"), @"`sleep a while` does not say for how many seconds");
}
